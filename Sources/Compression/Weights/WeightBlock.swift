import Kernels

/// Group of weights that pruning keeps or cuts together.
public enum WeightBlock: String, Sendable, CaseIterable {
  /// Each weight by itself; dense kernels are no faster for the zeros.
  case single = "1x1"
  /// The weights of 32 neighbouring outputs for one input, which `TaskModel.withoutZeroBlocks()` leaves out of products: with half of
  /// them gone, products take about half of the time (Lagunas and others 2021 prune such blocks by movement).
  case outputs32 = "32x1"

  /// The outputs of a block.
  var rows: Int {
    switch self {
    case .single: 1
    case .outputs32: BlockMatrix.blockRows
    }
  }

  /// Sentence of a report about what the zeros are good for.
  var note: String {
    switch self {
    case .single:
      "the file stays dense and dense kernels are no faster for zeros; they make it compress better"
    case .outputs32:
      "blocks of 32 outputs by one input are zero; the file stays dense, and TaskModel.withoutZeroBlocks() leaves them out of "
        + "products"
    }
  }

  /// A mask of a matrix with ones at the blocks of the highest mean scores and zeros elsewhere; of equal scores the first have ones.
  ///
  /// - Parameters:
  ///   - scores: The score of each weight, [outputs, inputs].
  ///   - inputs: The inputs.
  ///   - kept: The number of blocks that stay, of how many there are.
  private func mask(of scores: [Float], inputs: Int, keeping kept: (_ all: Int) -> Int) -> [Float] {
    switch self {
    case .single: return HighestScores.mask(of: scores, keeping: kept(scores.count))
    case .outputs32:
      let outputs = scores.count / max(1, inputs)
      let groups = (outputs + rows - 1) / rows
      var means = [Float](repeating: 0, count: groups * inputs)
      for output in 0..<outputs {
        let size = Float(min(rows, outputs - output / rows * rows))
        for input in 0..<inputs {
          means[output / rows * inputs + input] += scores[output * inputs + input] / size
        }
      }
      let chosen = HighestScores.mask(of: means, keeping: kept(means.count))
      return scores.indices.map { chosen[$0 / inputs / rows * inputs + $0 % inputs] }
    }
  }

  /// The mask that keeps a share of the blocks, 0 to 1.
  func mask(of scores: [Float], inputs: Int, density: Double) -> [Float] {
    mask(of: scores, inputs: inputs) { Int(density * Double($0)) }
  }

  /// The mask that cuts a share of the blocks, 0 to 1.
  func mask(of scores: [Float], inputs: Int, sparsity: Double) -> [Float] {
    mask(of: scores, inputs: inputs) { $0 - Int((sparsity * Double($0)).rounded()) }
  }
}
