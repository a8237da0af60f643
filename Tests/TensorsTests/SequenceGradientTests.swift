import Tensors
import Testing

/// Central differences for operations along packed sequences.
@Suite struct SequenceGradientTests {
  private let starts: [Int32] = [0, 3, 4, 9]

  @Test(arguments: RecurrentCell.allCases, [1, 2])
  func recurrentLayers(_ cell: RecurrentCell, _ directions: Int) {
    let (inputs, hidden) = (4, 5)
    let width = cell.gateCount * hidden
    let shapes: [Shape] = [[width, inputs], [width, hidden], [width], [width]]
    var operands = [sample([9, inputs], seed: 1)]
    for direction in 0..<directions {
      operands += shapes.enumerated().map { sample($1, seed: UInt64(10 * direction + $0 + 2), scale: 0.7) }
    }
    checkGradients(operands) { tensors in
      let weights = (0..<directions).map { direction in
        let first = 1 + 4 * direction
        return RecurrentWeights(
          inputs: LinearWeights(tensors[first], bias: tensors[first + 2]),
          hidden: LinearWeights(tensors[first + 1], bias: tensors[first + 3]))
      }
      return tensors[0].recurrent(cell: cell, weights: weights, starts: starts)
    }
  }

  @Test(arguments: [1, 2, 3, 4, 5, 8])
  func convolutions(_ width: Int) {
    checkGradients([sample([9, 3], seed: 1), sample([2, 3, width], seed: 2), sample([2], seed: 3)]) {
      $0[0].convolution(weight: $0[1], bias: $0[2], starts: starts)
    }
  }

  @Test func maxima() {
    // A step of 1/128 must not change which row is the largest.
    let x = Tensor((0..<36).map { Float(($0 * 7) % 36) / 8 }, shape: [9, 4])
    checkGradients([x]) { $0[0].sequenceMaximum(starts: starts) }
  }

  @Test func aTableCollectsRowsThatOccurTwice() {
    checkGradients([sample([6, 3], seed: 4)]) { $0[0].embedding(ids: [2, 0, 2, 5, 2]) }
  }

  @Test func directionsSeeOnlyTheirSideOfTheirSequence() {
    let (inputs, hidden) = (3, 4)
    let weights = (0..<2).map { direction in
      RecurrentWeights(
        inputs: LinearWeights(sample([12, inputs], seed: UInt64(direction)), bias: sample([12], seed: 5)),
        hidden: LinearWeights(sample([12, hidden], seed: UInt64(direction + 2)), bias: sample([12], seed: 6)))
    }
    let x = sample([9, inputs], seed: 7)
    func run(_ x: Tensor) -> [Float] {
      x.recurrent(cell: .gru, weights: weights, starts: starts).values
    }
    let before = run(x)
    var changed = x.values
    changed[5 * inputs] += 1  // the second token of the last sequence
    let after = run(Tensor(changed, shape: x.shape))
    for row in 0..<9 {
      let differs = { (columns: Range<Int>) in
        columns.contains { before[row * 2 * hidden + $0] != after[row * 2 * hidden + $0] }
      }
      #expect(differs(0..<hidden) == (row >= 5), "first direction, row \(row)")
      #expect(differs(hidden..<2 * hidden) == (row == 4 || row == 5), "other direction, row \(row)")
    }
  }
}
