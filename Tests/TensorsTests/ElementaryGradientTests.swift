import Tensors
import Testing

/// Central differences for the small operations that user losses are made of.
@Suite struct ElementaryGradientTests {
  /// Shapes that broadcast in every way: equal, scalar, row, column, both.
  static let shapes: [(Shape, Shape)] = [
    ([3, 4], [3, 4]), ([3, 4], []), ([3, 4], [4]), ([3, 1], [3, 4]), ([3, 1], [1, 4]), ([2, 3, 4], [3, 1]),
    ([2], [3, 2]),
  ]

  @Test(arguments: shapes)
  func arithmetic(a: Shape, b: Shape) {
    let inputs = [sample(a, seed: 1), sample(b, seed: 2, scale: 0.5, shift: 2)]
    checkGradients(inputs) { add($0[0], $0[1], in: $1) }
    checkGradients(inputs) { subtract($0[0], $0[1], in: $1) }
    checkGradients(inputs) { multiply($0[0], $0[1], in: $1) }
    checkGradients(inputs) { divide($0[0], $0[1], in: $1) }
  }

  @Test func broadcastValues() {
    let column = Tensor([1, 2, 3], shape: [3, 1])
    let row = Tensor([10, 20])
    #expect(add(column, row, in: .inference).values == [11, 21, 12, 22, 13, 23])
    #expect(add(column, row, in: .inference).shape == [3, 2])
  }

  @Test func unaryFunctions() {
    let x = sample([3, 4], seed: 1)
    let positive = sample([3, 4], seed: 1, scale: 0.5, shift: 1.5)
    checkGradients([x]) { exp($0[0], in: $1) }
    checkGradients([positive]) { log($0[0], in: $1) }
    checkGradients([positive]) { sqrt($0[0], in: $1) }
    checkGradients([x]) { scale($0[0], by: -2.5, in: $1) }
    for activation in Activation.allCases where activation != .relu {
      checkGradients([x]) { activate($0[0], activation, in: $1) }
    }
    checkGradients([positive]) { activate($0[0], .relu, in: $1) }
  }

  @Test func dropoutKeepsItsMaskInBackward() {
    checkGradients([sample([30], seed: 1)], isTraining: true) { dropout($0[0], probability: 0.4, in: $1) }
  }

  @Test(arguments: [(false, false), (true, false), (false, true), (true, true)])
  func matrixProducts(transposeA: Bool, transposeB: Bool) {
    let inputs = [
      sample(transposeA ? [4, 3] : [3, 4], seed: 1), sample(transposeB ? [5, 4] : [4, 5], seed: 2),
    ]
    checkGradients(inputs) { matmul($0[0], $0[1], transposeA: transposeA, transposeB: transposeB, in: $1) }
  }

  @Test func reductions() {
    let x = sample([2, 3, 4], seed: 1)
    checkGradients([x]) { sum($0[0], in: $1) }
    checkGradients([x]) { mean($0[0], in: $1) }
    for axis in [-1, 0, 1] {
      checkGradients([x]) { sum($0[0], axis: axis, in: $1) }
      checkGradients([x]) { mean($0[0], axis: axis, keepsDimension: true, in: $1) }
    }
  }

  @Test func softmaxes() {
    checkGradients([sample([3, 4], seed: 1, scale: 2)]) { softmax($0[0], in: $1) }
    checkGradients([sample([3, 4], seed: 1, scale: 2)]) { logSoftmax($0[0], in: $1) }
  }

  @Test func losses() {
    let (a, b) = (sample([4, 3], seed: 1, scale: 2), sample([4, 3], seed: 2, scale: 2))
    checkGradients([a]) { softmaxCrossEntropy($0[0], labels: [2, -100, 0, 1], in: $1) }
    for temperature: Float in [1, 4] {
      // As far apart as at a temperature of 1, or float32's differences are too coarse.
      let (student, teacher) = (
        sample([4, 3], seed: 1, scale: 2 * temperature), sample([4, 3], seed: 2, scale: 2 * temperature)
      )
      checkGradients([student]) {
        softCrossEntropy(student: $0[0], teacher: teacher, temperature: temperature, in: $1)
      }
    }
    checkGradients([a, b]) { meanSquaredError($0[0], $0[1], in: $1) }
    checkGradients([a, b]) { cosineDistance($0[0], $0[1], in: $1) }
    let targets = sample([4, 3], seed: 3, scale: 0.5, shift: 0.5)
    checkGradients([a]) { binaryCrossEntropy($0[0], targets: targets, in: $1) }
  }

  @Test func lossesOverPositions() {
    let a = sample([9], seed: 1, scale: 2)
    for targets: [Int32] in [[0, 0, 3], [-100, 2, 4], [9, 0, -1]] {
      checkGradients([a]) {
        positionCrossEntropy($0[0], starts: [0, 1, 4, 9], targets: targets, in: $1)
      }
    }
    for temperature: Float in [1, 4] {
      let (student, teacher) = (
        sample([9], seed: 1, scale: 2 * temperature), sample([9], seed: 2, scale: 2 * temperature)
      )
      checkGradients([student]) {
        softPositionCrossEntropy(
          student: $0[0], teacher: teacher, starts: [0, 1, 4, 9], temperature: temperature, in: $1)
      }
    }
    checkGradients([sample([5, 3], seed: 1)]) { column($0[0], 2, in: $1) }
    let none = positionCrossEntropy(a, starts: [0, 1, 4, 9], targets: [1, -1, 5], in: .inference)
    #expect(none.item == 0)
  }

  @Test func zeroRowsHaveNoDirection() {
    let parameter = Parameter(name: "a", value: Tensor([0, 0, 3, 4], shape: [2, 2]))
    let context = Context(tape: Tape())
    let loss = cosineDistance(parameter.tensor, Tensor([1, 2, 3, 4], shape: [2, 2]), in: context)
    context.tape?.backward(from: loss)
    #expect(abs(loss.item - 0.5) < 1e-6)
    #expect(parameter.gradient?.values.allSatisfy { abs($0) < 1e-6 } == true)
  }

  /// A value used twice, reshaped in between, collects both contributions.
  @Test func reuseAndReshape() {
    checkGradients([sample([2, 6], seed: 1)]) { inputs, context in
      let view = inputs[0].reshaped([3, 4])
      return multiply(view, activate(inputs[0], .tanh, in: context).reshaped([3, 4]), in: context)
    }
  }

  @Test func unlabelledRowsCostNothing() {
    let loss = softmaxCrossEntropy(sample([2, 3], seed: 1), labels: [-100, -100], in: .inference)
    #expect(loss.item == 0)
  }
}
