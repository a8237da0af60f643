import Tensors

/// TextBrewer's attention losses where they differ: `compatibility: textbrewer`.
///
/// Without a mask TextBrewer takes scores of at most −1e-3 for padding: `attention_mse` and `attention_mse_sum` set them to 0
/// on both sides, `attention_ce` and `attention_ce_mean` leave out the teacher's probabilities there. With a mask, here
/// chosen rows, nothing is wiped out, but the softmaxes still range over the tokens that were not chosen.
enum TextBrewerAttention {
  /// The scores above the threshold, 0 for the others.
  static func thresholded(_ scores: Tensor) -> Tensor {
    scores * mask(scores)
  }

  /// −Σ w softmax(T) · log softmax(S) / R over rows of scores, where w is 0 for what does not count and R the number of
  /// rows that do.
  ///
  /// - Parameters:
  ///   - scores: Scores of both sides; without chosen tokens those above the threshold count.
  ///   - overHeads: Whether the scores are means over heads, as in `attention_ce_mean`.
  static func crossEntropy(_ scores: AttentionScores, overHeads: Bool) -> Tensor {
    let (student, rows) = (scores.student, scores.rows)
    let (own, other) = (AttentionBlocks(student), AttentionBlocks(scores.teacher))
    let heads = overHeads ? 1 : student.heads
    let queries = rows?.count ?? Int(student.queryStarts.last ?? 0)
    let share = -1 / Float(heads * queries)
    let sequences = Sequences(student.keyStarts).ranges
    return weightedSum(sequences.map { _ in share }) { index in
      let scores = overHeads ? own.meanOverHeads(index) : own.rows(index)
      let taught = overHeads ? other.meanOverHeads(index) : other.rows(index)
      let weights = rows.map { pairs(among: $0, of: sequences[index], heads: heads) } ?? mask(taught)
      let probabilities = taught.softmax() * weights
      return (scores.logSoftmax() * probabilities).sum()
    }
  }

  private static func mask(_ scores: Tensor) -> Tensor {
    Tensor(scores.values.map { $0 > -1e-3 ? 1 : 0 }, shape: scores.shape)
  }

  /// 1 for pairs of chosen tokens of a sequence, [heads · queries, keys].
  private static func pairs(among rows: [Int32], of sequence: Range<Int>, heads: Int) -> Tensor {
    let chosen = Set(rows)
    let flags = sequence.map { chosen.contains(Int32($0)) ? Float(1) : 0 }
    let map = flags.flatMap { query in flags.map { query * $0 } }
    return Tensor((0..<heads).flatMap { _ in map }, shape: [heads * sequence.count, sequence.count])
  }
}
