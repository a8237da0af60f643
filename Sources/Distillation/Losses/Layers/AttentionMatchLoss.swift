import Tensors

/// The losses between attention scores (before the softmax) of a student S and a teacher T, over packed sequences.
///
/// With N heads and sequences b of n_b tokens:
/// - `attention_mse`: Σ (S − T)² / (N Σ n_b²);
/// - `attention_mse_sum`: the same on the sums over heads, without N;
/// - `attention_ce`: −Σ softmax(T) · log softmax(S) / (N Σ n_b);
/// - `attention_ce_mean`: the same on the means over heads, without N.
///
/// TextBrewer differs where its scores hold padding; see `TextBrewerAttention`.
package enum AttentionMatchLoss {
  /// Computes one loss of attention scores.
  ///
  /// - Parameters:
  ///   - type: A loss whose feature is `attention`.
  ///   - student: The student's scores of one block.
  ///   - teacher: The teacher's scores of one block over the same tokens; constants.
  ///   - rows: The tokens that count, ascending, as queries and as keys; nil counts all.
  ///   - compatibility: Whose arithmetic to follow.
  /// - Returns: The loss, a scalar.
  package static func compute(
    _ type: MatchLossType, student: AttentionMaps, teacher: AttentionMaps, rows: [Int32]? = nil,
    compatibility: Compatibility? = nil
  ) -> Tensor {
    precondition(type.feature == .attention, "\(type.rawValue) does not compare attention.")
    precondition(
      student.keyStarts == teacher.keyStarts && student.queryStarts == teacher.queryStarts,
      "Attention can only be compared over the same tokens.")
    precondition(
      !type.needsEqualHeads || student.heads == teacher.heads,
      "\(type.rawValue) needs equal head counts, found \(student.heads) and \(teacher.heads).")
    if rows?.isEmpty == true { return Tensor(0) }
    let teacher = teacher.detached
    let followsTextBrewer = compatibility == .textbrewer
    switch type {
    case .attentionCE, .attentionCEMean:
      if followsTextBrewer {
        return TextBrewerAttention.crossEntropy(type, student: student, teacher: teacher, rows: rows)
      }
    default:
      if followsTextBrewer && rows == nil {
        return squares(type, student, teacher, prepare: TextBrewerAttention.thresholded)
      }
    }
    let own = rows.map { student.restricted(to: $0) } ?? student
    let other = rows.map { teacher.restricted(to: $0) } ?? teacher
    return type == .attentionCE || type == .attentionCEMean
      ? crossEntropy(type, own, other)
      : squares(type, own, other, prepare: { $0 })
  }

  /// The mean squared difference of scores, or of their sums over heads, each prepared first.
  private static func squares(
    _ type: MatchLossType, _ student: AttentionMaps, _ teacher: AttentionMaps,
    prepare: (Tensor) -> Tensor
  ) -> Tensor {
    if type == .attentionMSE {
      return prepare(student.values).meanSquaredError(to: prepare(teacher.values))
    }
    let (own, other) = (AttentionBlocks(student), AttentionBlocks(teacher))
    return weightedSum(Sequences(student.keyStarts).squareShares) { index in
      prepare(own.sumOverHeads(index)).meanSquaredError(to: prepare(other.sumOverHeads(index)))
    }
  }

  private static func crossEntropy(
    _ type: MatchLossType, _ student: AttentionMaps, _ teacher: AttentionMaps
  ) -> Tensor {
    let (own, other) = (AttentionBlocks(student), AttentionBlocks(teacher))
    return weightedSum(Sequences(student.keyStarts).shares) { index in
      type == .attentionCEMean
        ? own.meanOverHeads(index).softCrossEntropy(teacher: other.meanOverHeads(index), temperature: 1)
        : own.rows(index).softCrossEntropy(teacher: other.rows(index), temperature: 1)
    }
  }
}
