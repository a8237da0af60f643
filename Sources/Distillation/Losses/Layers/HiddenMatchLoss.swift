import Tensors

/// The losses between intermediate features of a student S and a teacher T, over packed rows.
///
/// With sequences b of n_b tokens, T rows in all and D the hidden size, each is the mean TextBrewer's masked form takes
/// over the tokens that are no padding:
/// - `hidden_mse`: Σ (S − T)² / (D Σ n_b);
/// - `cos`: mean over tokens of 1 − cos(S, T);
/// - `pkd` (Sun and others 2019): mean over sequences and D features of (s/‖s‖ − t/‖t‖)² of their first tokens, where 0 has
///   the direction 0; TextBrewer sums over the features;
/// - `fsp`: mean over sequences and D·D entries of (S₀ᵀS₁/n_b − T₀ᵀT₁/n_b)²;
/// - `mmd`: Σ (S₀S₁ᵀ/D_S − T₀T₁ᵀ/D_T)² / Σ n_b²;
/// - `rkd_distance`, `rkd_angle`: see `RelationalLoss`, of first tokens;
/// - `irg`, `irg_transformation`: see `InstanceGraphLoss`, of first tokens.
package enum HiddenMatchLoss {
  /// Computes one loss of hidden states.
  ///
  /// - Parameters:
  ///   - type: A loss whose feature is `hidden`.
  ///   - student: One or two tensors [rows, D], already projected.
  ///   - teacher: As many constants [rows, D]; another D where the loss does not need equal sizes.
  ///   - starts: Prefix sums of the rows of each sequence, [B + 1].
  ///   - compatibility: Whose arithmetic to follow.
  /// - Returns: The loss, a scalar.
  package static func compute(
    _ type: MatchLossType, student: [Tensor], teacher: [Tensor], starts: [Int32],
    compatibility: Compatibility? = nil
  ) -> Tensor {
    precondition(
      type.feature == .hidden && !type.takesAllLayers,
      "\(type.rawValue) does not compare hidden states of a layer."
    )
    let teacher = teacher.map(\.detached)
    let layers = type.takesTwoLayers ? 2 : 1
    precondition(
      student.count == layers && teacher.count == layers, "\(type.rawValue) takes \(layers) layers a side.")
    if type.readsFirstTokens {
      return firstTokenLoss(
        type, student: student.map { firstTokens($0, starts) },
        teacher: teacher.map { firstTokens($0, starts) }, compatibility)
    }
    switch type {
    case .cos: return student[0].cosineDistance(to: teacher[0])
    case .fsp, .gram: return gramDistance(student, teacher, starts: starts)
    case .mmd, .nst: return similarityDistance(student, teacher, starts: starts)
    default: return student[0].meanSquaredError(to: teacher[0])
    }
  }

  private static func firstTokenLoss(
    _ type: MatchLossType, student: [Tensor], teacher: [Tensor], _ compatibility: Compatibility?
  ) -> Tensor {
    switch type {
    case .rkdDistance:
      return RelationalLoss.distance(student: student[0], teacher: teacher[0])
    case .rkdAngle: return RelationalLoss.angle(student: student[0], teacher: teacher[0])
    case .irg: return InstanceGraphLoss.edges(student: student[0], teacher: teacher[0])
    case .irgTransformation:
      return InstanceGraphLoss.transformation(student: student, teacher: teacher)
    default:
      let distance = UnitRows(student[0]).directions.meanSquaredError(to: UnitRows(teacher[0]).directions)
      return compatibility == .textbrewer ? distance * Float(student[0].shape.lastDimension) : distance
    }
  }

  /// The first row of each sequence that has rows.
  private static func firstTokens(_ x: Tensor, _ starts: [Int32]) -> Tensor {
    x.rows(at: zip(starts, starts.dropFirst()).filter { $0 < $1 }.map { $0.0 })
  }

  private static func gramDistance(_ student: [Tensor], _ teacher: [Tensor], starts: [Int32]) -> Tensor {
    let sequences = Sequences(starts)
    return weightedSum(sequences.ranges.map { _ in 1 / Float(sequences.ranges.count) }) { index in
      let rows = sequences.ranges[index]
      let product = { (pair: [Tensor]) in
        pair[0].rows(rows).matmul(pair[1].rows(rows), transposingFirst: true) / Float(rows.count)
      }
      return product(student).meanSquaredError(to: product(teacher))
    }
  }

  private static func similarityDistance(
    _ student: [Tensor], _ teacher: [Tensor], starts: [Int32]
  ) -> Tensor {
    let sequences = Sequences(starts)
    return weightedSum(sequences.squareShares) { index in
      let rows = sequences.ranges[index]
      let product = { (pair: [Tensor]) in
        pair[0].rows(rows).matmul(pair[1].rows(rows), transposingSecond: true)
          / Float(pair[1].shape.lastDimension)
      }
      return product(student).meanSquaredError(to: product(teacher))
    }
  }
}

/// Adds up the losses of sequences with their shares.
func weightedSum(_ shares: [Float], _ loss: (_ index: Int) -> Tensor) -> Tensor {
  var total: Tensor?
  for (index, share) in shares.enumerated() {
    let term = loss(index) * share
    total = total.map { $0 + term } ?? term
  }
  guard let total else { preconditionFailure("A match loss needs at least one sequence.") }
  return total
}
