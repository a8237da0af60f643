import Tensors

extension LayerLoss {
  /// Mean squared difference of hidden states: Σ (S − T)² / (D Σ n_b).
  static let hiddenMSE = LayerLoss(
    .hidden { $0.student[0].meanSquaredError(to: $0.teacher[0]) }, mean: .tokens
  )
  .needingEqualSizes

  /// Cosine distance of hidden states, the mean over tokens of 1 − cos(S, T) (Sanh and others 2019, *DistilBERT*).
  static let cos = LayerLoss(.hidden { $0.student[0].cosineDistance(to: $0.teacher[0]) }, mean: .tokens)
    .needingEqualSizes

  /// Patient distillation (Sun and others 2019): the mean over sequences and D features of (s/‖s‖ − t/‖t‖)² of their first
  /// tokens, where 0 has the direction 0; TextBrewer sums over the features.
  ///
  /// The authors leave the last layer to the logits, and their loss is a mean over the layers.
  static let pkd: LayerLoss = {
    var loss = LayerLoss(
      .hidden { states in
        let (own, other) = (UnitRows(states.student[0]).directions, UnitRows(states.teacher[0]).directions)
        let distance = own.meanSquaredError(to: other)
        return states.compatibility == .textbrewer
          ? distance * Float(states.student[0].shape.lastDimension) : distance
      }, mean: .sequences
    ).needingEqualSizes.ofFirstTokens
    loss.isMeanOfInnerLayers = true
    return loss
  }()

  /// Flow of solution procedure: the mean over sequences and D·D entries of (S₀ᵀS₁/n_b − T₀ᵀT₁/n_b)², the feature-by-feature
  /// Gram matrices of two layers.
  static let fsp = LayerLoss(.hidden(gramDistance), layers: .two, mean: .sequences).needingEqualSizes

  /// Maximum mean discrepancy: Σ (S₀S₁ᵀ/D_S − T₀T₁ᵀ/D_T)² / Σ n_b², the token-by-token similarities of two layers.
  static let mmd = LayerLoss(.hidden(similarityDistance), layers: .two, mean: .pairs)

  @Sendable private static func gramDistance(_ states: HiddenStates) -> Tensor {
    let sequences = Sequences(states.starts)
    return weightedSum(sequences.ranges.map { _ in 1 / Float(sequences.ranges.count) }) { index in
      let rows = sequences.ranges[index]
      let product = { (pair: [Tensor]) in
        pair[0].rows(rows).matmul(pair[1].rows(rows), transposingFirst: true) / Float(rows.count)
      }
      return product(states.student).meanSquaredError(to: product(states.teacher))
    }
  }

  @Sendable private static func similarityDistance(_ states: HiddenStates) -> Tensor {
    let sequences = Sequences(states.starts)
    return weightedSum(sequences.squareShares) { index in
      let rows = sequences.ranges[index]
      let product = { (pair: [Tensor]) in
        pair[0].rows(rows).matmul(pair[1].rows(rows), transposingSecond: true)
          / Float(pair[1].shape.lastDimension)
      }
      return product(states.student).meanSquaredError(to: product(states.teacher))
    }
  }
}

/// The sum of the losses of sequences, weighted by their shares.
func weightedSum(_ shares: [Float], _ loss: (_ index: Int) -> Tensor) -> Tensor {
  var total: Tensor?
  for (index, share) in shares.enumerated() {
    let term = loss(index) * share
    total = total.map { $0 + term } ?? term
  }
  guard let total else { preconditionFailure("A match loss needs at least one sequence.") }
  return total
}

/// The rows of the sequences of a packed batch, empty ones left out.
struct Sequences {
  /// The rows of each sequence.
  let ranges: [Range<Int>]

  init(_ starts: [Int32]) {
    ranges = zip(starts, starts.dropFirst()).filter { $0 < $1 }.map { Int($0)..<Int($1) }
  }

  /// n_b² / Σ n², the share of each sequence in a mean over pairs of its tokens.
  var squareShares: [Float] {
    let total = ranges.reduce(0) { $0 + $1.count * $1.count }
    return ranges.map { Float($0.count * $0.count) / Float(total) }
  }

  /// n_b / Σ n, the share of each sequence in a mean over its tokens.
  var shares: [Float] {
    let total = ranges.reduce(0) { $0 + $1.count }
    return ranges.map { Float($0.count) / Float(total) }
  }
}

/// The lengths and directions of rows; a row of length 0 has none.
struct UnitRows {
  /// ‖x‖ of each row, [rows, 1]; 0 without a derivative where a row is 0.
  let lengths: Tensor
  /// The rows divided by their lengths, [rows, D]; 0 where they are.
  let directions: Tensor

  init(_ x: Tensor) {
    let squares = (x * x).sum(axis: -1, keepsDimension: true)
    let differs = squares.values.map { $0 > 1e-12 ? Float(1) : 0 }
    let (mask, others) = (
      Tensor(differs, shape: squares.shape), Tensor(differs.map { 1 - $0 }, shape: squares.shape)
    )
    let roots = (squares * mask + others).sqrt()
    lengths = roots * mask
    directions = x / roots * mask
  }
}
