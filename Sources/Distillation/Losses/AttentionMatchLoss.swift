import Tensors

/// The losses between attention scores (before the softmax) of a student S and a teacher T, over packed sequences.
///
/// With N heads and sequences b of n_b tokens:
/// - `attention_mse`: Σ (S − T)² / (N Σ n_b²);
/// - `attention_mse_sum`: the same on the sums over heads, without N;
/// - `attention_ce`: −Σ softmax(T) · log softmax(S) / (N Σ n_b);
/// - `attention_ce_mean`: the same on the means over heads, without N.
///
/// TextBrewer's padded form lets the softmax range over padding; here it cannot. Its unmasked form also wipes negative
/// scores out (a trick for padding that no longer works); its masked form, like this one, does not.
package enum AttentionMatchLoss {
  /// Computes one loss of attention scores.
  ///
  /// - Parameters:
  ///   - type: A loss whose feature is `attention`.
  ///   - student: The student's scores of one block.
  ///   - teacher: The teacher's scores of one block over the same tokens; constants.
  ///   - context: The pass this is part of.
  /// - Returns: The loss, a scalar.
  package static func compute(
    _ type: MatchLossType, student: AttentionMaps, teacher: AttentionMaps, in context: Context
  ) -> Tensor {
    precondition(type.feature == .attention, "\(type.rawValue) does not compare attention.")
    precondition(
      student.keyStarts == teacher.keyStarts && student.queryStarts == teacher.queryStarts,
      "Attention can only be compared over the same tokens.")
    precondition(
      !type.needsEqualHeads || student.heads == teacher.heads,
      "\(type.rawValue) needs equal head counts, found \(student.heads) and \(teacher.heads).")
    if type == .attentionMSE { return meanSquaredError(student.values, teacher.values, in: context) }
    let (own, other) = (Blocks(student), Blocks(teacher))
    let sequences = Sequences(student.keyStarts)
    let shares = type == .attentionMSESum ? sequences.squareShares : sequences.shares
    return weightedSum(shares, in: context) { index in
      switch type {
      case .attentionMSESum:
        return meanSquaredError(
          own.overHeads(index, in: context) { sum($0, axis: 0, in: $1) },
          other.overHeads(index, in: .inference) { sum($0, axis: 0, in: $1) }, in: context)
      case .attentionCEMean:
        return softCrossEntropy(
          student: own.overHeads(index, in: context) { mean($0, axis: 0, in: $1) },
          teacher: other.overHeads(index, in: .inference) { mean($0, axis: 0, in: $1) }, temperature: 1,
          in: context)
      default:
        return softCrossEntropy(
          student: own.rows(index, in: context), teacher: other.rows(index, in: .inference), temperature: 1,
          in: context)
      }
    }
  }

  /// The maps of one side, sequence by sequence.
  private struct Blocks {
    let maps: AttentionMaps
    let ranges: [Range<Int>]
    let keys: [Int]

    init(_ maps: AttentionMaps) {
      self.maps = maps
      var (ranges, keys, offset): ([Range<Int>], [Int], Int) = ([], [], 0)
      for (queries, tokens) in zip(Sequences(maps.queryStarts).ranges, Sequences(maps.keyStarts).ranges) {
        let count = maps.heads * queries.count * tokens.count
        ranges.append(offset..<offset + count)
        keys.append(tokens.count)
        offset += count
      }
      self.ranges = ranges
      self.keys = keys
    }

    /// The scores of one sequence, [heads · queries, keys].
    func rows(_ index: Int, in context: Context) -> Tensor {
      let block = sliceRows(maps.values, ranges[index], in: context)
      return block.reshaped([block.count / keys[index], keys[index]])
    }

    /// The scores of one sequence reduced over heads, [queries, keys].
    func overHeads(
      _ index: Int, in context: Context, _ reduce: (Tensor, Context) -> Tensor
    ) -> Tensor {
      let block = sliceRows(maps.values, ranges[index], in: context)
      let perHead = block.count / maps.heads
      let reduced = reduce(block.reshaped([maps.heads, perHead]), context)
      return reduced.reshaped([perHead / keys[index], keys[index]])
    }
  }
}
