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
  ///   - context: The pass this is part of.
  /// - Returns: The loss, a scalar.
  package static func compute(
    _ type: MatchLossType, student: AttentionMaps, teacher: AttentionMaps, rows: [Int32]? = nil,
    compatibility: Compatibility? = nil, in context: Context
  ) -> Tensor {
    precondition(type.feature == .attention, "\(type.rawValue) does not compare attention.")
    precondition(
      student.keyStarts == teacher.keyStarts && student.queryStarts == teacher.queryStarts,
      "Attention can only be compared over the same tokens.")
    precondition(
      !type.needsEqualHeads || student.heads == teacher.heads,
      "\(type.rawValue) needs equal head counts, found \(student.heads) and \(teacher.heads).")
    if rows?.isEmpty == true { return Tensor(0) }
    let followsTextBrewer = compatibility == .textbrewer
    switch type {
    case .attentionCE, .attentionCEMean:
      if followsTextBrewer {
        return TextBrewerAttention.crossEntropy(
          type, student: student, teacher: teacher, rows: rows, in: context)
      }
    default:
      if followsTextBrewer && rows == nil {
        return squares(
          type, student, teacher, in: context, prepare: TextBrewerAttention.thresholded)
      }
    }
    let own = rows.map { student.restricted(to: $0, in: context) } ?? student
    let other = rows.map { teacher.restricted(to: $0, in: .inference) } ?? teacher
    return type == .attentionCE || type == .attentionCEMean
      ? crossEntropy(type, own, other, in: context)
      : squares(type, own, other, in: context, prepare: { scores, _ in scores })
  }

  /// The mean squared difference of scores, or of their sums over heads, each prepared first.
  private static func squares(
    _ type: MatchLossType, _ student: AttentionMaps, _ teacher: AttentionMaps, in context: Context,
    prepare: (Tensor, Context) -> Tensor
  ) -> Tensor {
    if type == .attentionMSE {
      return meanSquaredError(
        prepare(student.values, context), prepare(teacher.values, .inference), in: context)
    }
    let (own, other) = (AttentionBlocks(student), AttentionBlocks(teacher))
    return weightedSum(Sequences(student.keyStarts).squareShares, in: context) { index in
      meanSquaredError(
        prepare(own.sumOverHeads(index, in: context), context),
        prepare(other.sumOverHeads(index, in: .inference), .inference), in: context)
    }
  }

  private static func crossEntropy(
    _ type: MatchLossType, _ student: AttentionMaps, _ teacher: AttentionMaps, in context: Context
  ) -> Tensor {
    let (own, other) = (AttentionBlocks(student), AttentionBlocks(teacher))
    return weightedSum(Sequences(student.keyStarts).shares, in: context) { index in
      let overHeads = type == .attentionCEMean
      return softCrossEntropy(
        student: overHeads ? own.meanOverHeads(index, in: context) : own.rows(index, in: context),
        teacher: overHeads ? other.meanOverHeads(index, in: .inference) : other.rows(index, in: .inference),
        temperature: 1, in: context)
    }
  }
}
