import Tensors

/// The losses between intermediate features of a student S and a teacher T, over packed rows.
///
/// With sequences b of n_b tokens, T rows in all and D the hidden size, each is the mean TextBrewer's masked form takes
/// over the tokens that are no padding:
/// - `hidden_mse`: Σ (S − T)² / (D Σ n_b);
/// - `cos`: mean over tokens of 1 − cos(S, T);
/// - `pkd`: mean over sequences of ‖s/‖s‖ − t/‖t‖‖² = 2 (1 − cos) of their first tokens;
/// - `fsp`: mean over sequences and D·D entries of (S₀ᵀS₁/n_b − T₀ᵀT₁/n_b)²;
/// - `mmd`: Σ (S₀S₁ᵀ/D_S − T₀T₁ᵀ/D_T)² / Σ n_b²;
/// - `rkd_distance`, `rkd_angle`: see `RelationalLoss`, of first tokens.
package enum HiddenMatchLoss {
  /// Computes one loss of hidden states.
  ///
  /// - Parameters:
  ///   - type: A loss whose feature is `hidden`.
  ///   - student: One or two tensors [rows, D], already projected.
  ///   - teacher: As many constants [rows, D]; `mmd`, `rkd_distance` and `rkd_angle` allow another D.
  ///   - starts: Prefix sums of the rows of each sequence, [B + 1].
  ///   - context: The pass this is part of.
  /// - Returns: The loss, a scalar.
  package static func compute(
    _ type: MatchLossType, student: [Tensor], teacher: [Tensor], starts: [Int32], in context: Context
  ) -> Tensor {
    precondition(type.feature == .hidden, "\(type.rawValue) does not compare hidden states.")
    let layers = type.takesTwoLayers ? 2 : 1
    precondition(
      student.count == layers && teacher.count == layers, "\(type.rawValue) takes \(layers) layers a side.")
    switch type {
    case .cos: return cosineDistance(student[0], teacher[0], in: context)
    case .pkd: return firstTokenDistance(student[0], teacher[0], starts: starts, in: context)
    case .fsp, .gram: return gramDistance(student, teacher, starts: starts, in: context)
    case .mmd, .nst: return similarityDistance(student, teacher, starts: starts, in: context)
    case .rkdDistance, .rkdAngle:
      let (own, other) = (
        firstTokens(student[0], starts, in: context), firstTokens(teacher[0], starts, in: .inference)
      )
      return type == .rkdDistance
        ? RelationalLoss.distance(student: own, teacher: other, in: context)
        : RelationalLoss.angle(student: own, teacher: other, in: context)
    default: return meanSquaredError(student[0], teacher[0], in: context)
    }
  }

  private static func firstTokenDistance(
    _ student: Tensor, _ teacher: Tensor, starts: [Int32], in context: Context
  ) -> Tensor {
    let distance = cosineDistance(
      firstTokens(student, starts, in: context), firstTokens(teacher, starts, in: .inference), in: context)
    return scale(distance, by: 2, in: context)
  }

  /// The first row of each sequence that has rows.
  private static func firstTokens(_ x: Tensor, _ starts: [Int32], in context: Context) -> Tensor {
    gatherRows(x, rows: zip(starts, starts.dropFirst()).filter { $0 < $1 }.map { $0.0 }, in: context)
  }

  private static func gramDistance(
    _ student: [Tensor], _ teacher: [Tensor], starts: [Int32], in context: Context
  ) -> Tensor {
    let sequences = Sequences(starts)
    return weightedSum(sequences.ranges.map { _ in 1 / Float(sequences.ranges.count) }, in: context) {
      index in
      let rows = sequences.ranges[index]
      let product = { (pair: [Tensor], context: Context) in
        scale(
          matmul(
            sliceRows(pair[0], rows, in: context), sliceRows(pair[1], rows, in: context), transposeA: true,
            in: context), by: 1 / Float(rows.count), in: context)
      }
      return meanSquaredError(product(student, context), product(teacher, .inference), in: context)
    }
  }

  private static func similarityDistance(
    _ student: [Tensor], _ teacher: [Tensor], starts: [Int32], in context: Context
  ) -> Tensor {
    let sequences = Sequences(starts)
    return weightedSum(sequences.squareShares, in: context) { index in
      let rows = sequences.ranges[index]
      let product = { (pair: [Tensor], context: Context) in
        scale(
          matmul(
            sliceRows(pair[0], rows, in: context), sliceRows(pair[1], rows, in: context), transposeB: true,
            in: context), by: 1 / Float(pair[1].shape.lastDimension), in: context)
      }
      return meanSquaredError(product(student, context), product(teacher, .inference), in: context)
    }
  }
}

/// Adds up the losses of sequences with their shares.
func weightedSum(_ shares: [Float], in context: Context, _ loss: (_ index: Int) -> Tensor) -> Tensor {
  var total: Tensor?
  for (index, share) in shares.enumerated() {
    let term = scale(loss(index), by: share, in: context)
    total = total.map { add($0, term, in: context) } ?? term
  }
  guard let total else { preconditionFailure("A match loss needs at least one sequence.") }
  return total
}
