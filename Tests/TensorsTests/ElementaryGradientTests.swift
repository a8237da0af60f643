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
    checkGradients(inputs) { $0[0] + $0[1] }
    checkGradients(inputs) { $0[0] - $0[1] }
    checkGradients(inputs) { $0[0] * $0[1] }
    checkGradients(inputs) { $0[0] / $0[1] }
  }

  @Test func broadcastValues() {
    let column = Tensor([1, 2, 3], shape: [3, 1])
    let row = Tensor([10, 20])
    #expect((column + row).values == [11, 21, 12, 22, 13, 23])
    #expect((column + row).shape == [3, 2])
  }

  @Test func unaryFunctions() {
    let x = sample([3, 4], seed: 1)
    let positive = sample([3, 4], seed: 1, scale: 0.5, shift: 1.5)
    checkGradients([x]) { $0[0].exp() }
    checkGradients([positive]) { $0[0].log() }
    checkGradients([positive]) { $0[0].sqrt() }
    checkGradients([x]) { $0[0] * -2.5 }
    checkGradients([x]) { -(2 - $0[0]) / 4 + 3 }
    checkGradients([x]) { -1.5 + 2 * ($0[0] - 0.5) }
    checkGradients([x, x]) { $0[0] * 2 - $0[0] * $0[1] }
    #expect((1 - Tensor([2, 3]) * 2 + 0.5).values == [-2.5, -4.5])
    for activation in Activation.allCases where activation != .relu {
      checkGradients([x]) { $0[0].applying(activation) }
    }
    checkGradients([positive]) { $0[0].applying(.relu) }
  }

  @Test func dropoutKeepsItsMaskInBackward() {
    checkGradients([sample([30], seed: 1)], isTraining: true) { $0[0].dropout(probability: 0.4, in: $1) }
  }

  @Test(arguments: [(false, false), (true, false), (false, true), (true, true)])
  func matrixProducts(transposeA: Bool, transposeB: Bool) {
    let inputs = [
      sample(transposeA ? [4, 3] : [3, 4], seed: 1), sample(transposeB ? [5, 4] : [4, 5], seed: 2),
    ]
    checkGradients(inputs) {
      $0[0].matmul($0[1], transposingFirst: transposeA, transposingSecond: transposeB)
    }
  }

  @Test func reductions() {
    let x = sample([2, 3, 4], seed: 1)
    checkGradients([x]) { $0[0].sum() }
    checkGradients([x]) { $0[0].mean() }
    for axis in [-1, 0, 1] {
      checkGradients([x]) { $0[0].sum(axis: axis) }
      checkGradients([x]) { $0[0].mean(axis: axis, keepsDimension: true) }
    }
  }

  @Test func softmaxes() {
    checkGradients([sample([3, 4], seed: 1, scale: 2)]) { $0[0].softmax() }
    checkGradients([sample([3, 4], seed: 1, scale: 2)]) { $0[0].logSoftmax() }
  }

  @Test func losses() {
    let (a, b) = (sample([4, 3], seed: 1, scale: 2), sample([4, 3], seed: 2, scale: 2))
    checkGradients([a]) { $0[0].softmaxCrossEntropy(labels: [2, -100, 0, 1]) }
    for temperature: Float in [1, 4] {
      // As far apart as at a temperature of 1, or float32's differences are too coarse.
      let (student, teacher) = (
        sample([4, 3], seed: 1, scale: 2 * temperature), sample([4, 3], seed: 2, scale: 2 * temperature)
      )
      checkGradients([student]) {
        $0[0].softCrossEntropy(teacher: teacher, temperature: temperature)
      }
    }
    checkGradients([a, b]) { $0[0].meanSquaredError(to: $0[1]) }
    checkGradients([a, b]) { $0[0].cosineDistance(to: $0[1]) }
    let targets = sample([4, 3], seed: 3, scale: 0.5, shift: 0.5)
    checkGradients([a]) { $0[0].binaryCrossEntropy(targets: targets) }
    checkGradients([a]) { $0[0].binaryCrossEntropy(targets: targets, positiveWeights: [0.5, 3, 1]) }
    for (weights, smoothing): ([Float]?, Double) in [([0.5, 3, 1], 0), (nil, 0.2), ([0.5, 3, 1], 1)] {
      checkGradients([a]) {
        $0[0].softmaxCrossEntropy(labels: [2, -100, 0, 1], weights: weights, smoothing: smoothing)
      }
    }
  }

  @Test func lossesOverPositions() {
    let a = sample([9], seed: 1, scale: 2)
    for targets: [Int32] in [[0, 0, 3], [-100, 2, 4], [9, 0, -1]] {
      checkGradients([a]) {
        $0[0].positionCrossEntropy(starts: [0, 1, 4, 9], targets: targets)
      }
    }
    for temperature: Float in [1, 4] {
      let (student, teacher) = (
        sample([9], seed: 1, scale: 2 * temperature), sample([9], seed: 2, scale: 2 * temperature)
      )
      checkGradients([student]) {
        $0[0].softPositionCrossEntropy(teacher: teacher, starts: [0, 1, 4, 9], temperature: temperature)
      }
    }
    checkGradients([sample([5, 3], seed: 1)]) { $0[0].column(2) }
    let none = a.positionCrossEntropy(starts: [0, 1, 4, 9], targets: [1, -1, 5])
    #expect(none.item == 0)
  }

  @Test func zeroRowsHaveNoDirection() {
    let parameter = Parameter(name: "a", value: Tensor([0, 0, 3, 4], shape: [2, 2]))
    let context = Context(tape: Tape())
    let loss = parameter.tensor(in: context).cosineDistance(to: Tensor([1, 2, 3, 4], shape: [2, 2]))
    context.tape?.backward(from: loss)
    #expect(abs(loss.item - 0.5) < 1e-6)
    #expect(parameter.gradient?.values.allSatisfy { abs($0) < 1e-6 } == true)
  }

  /// A value used twice, reshaped in between, collects both contributions.
  @Test func reuseAndReshape() {
    checkGradients([sample([2, 6], seed: 1)]) { inputs in
      let view = inputs[0].reshaped([3, 4])
      return view * inputs[0].applying(.tanh).reshaped([3, 4])
    }
  }

  @Test func unlabelledRowsCostNothing() {
    let loss = sample([2, 3], seed: 1).softmaxCrossEntropy(labels: [-100, -100])
    #expect(loss.item == 0)
  }
}
