import Tensors

extension LayerLoss {
  /// Mean squared difference of attention scores: Σ (S − T)² / (N Σ n_b²) over N heads.
  static let attentionMSE: LayerLoss = {
    var loss = LayerLoss(
      .attention { squares($0) { $0.meanSquaredError(to: $1, prepare: $2) } }, mean: .pairs)
    loss.lossForUnequalHeads = .attentionMSESum
    return loss
  }()

  /// Mean squared difference of attention scores summed over heads: the same without N.
  static let attentionMSESum = LayerLoss(
    .attention { squares($0) { $0.meanSquaredErrorOfSums(to: $1, prepare: $2) } }, mean: .pairs)

  /// Cross-entropy of attention distributions: −Σ softmax(T) · log softmax(S) / (N Σ n_b).
  static let attentionCE: LayerLoss = {
    var loss = LayerLoss(.attention { crossEntropy($0, overHeads: false) }, mean: .tokens)
    loss.lossForUnequalHeads = .attentionCEMean
    return loss
  }()

  /// Cross-entropy of the distributions of attention scores averaged over heads: the same without N.
  static let attentionCEMean = LayerLoss(.attention { crossEntropy($0, overHeads: true) }, mean: .tokens)

  /// A mean of squares over the chosen tokens; TextBrewer's, where none are chosen, has scores at its threshold wiped out.
  private static func squares(
    _ scores: AttentionScores,
    _ distance: (_ student: AttentionMaps, _ teacher: AttentionMaps, _ prepare: (Tensor) -> Tensor) -> Tensor
  ) -> Tensor {
    if scores.compatibility == .textbrewer, scores.rows == nil {
      return distance(scores.student, scores.teacher, TextBrewerAttention.thresholded)
    }
    let (own, other) = scores.chosen
    return distance(own, other) { $0 }
  }

  private static func crossEntropy(_ scores: AttentionScores, overHeads: Bool) -> Tensor {
    if scores.compatibility == .textbrewer {
      return TextBrewerAttention.crossEntropy(scores, overHeads: overHeads)
    }
    let (student, teacher) = scores.chosen
    let (own, other) = (AttentionBlocks(student), AttentionBlocks(teacher))
    return weightedSum(Sequences(student.keyStarts).shares) { index in
      overHeads
        ? own.meanOverHeads(index).softCrossEntropy(teacher: other.meanOverHeads(index), temperature: 1)
        : own.rows(index).softCrossEntropy(teacher: other.rows(index), temperature: 1)
    }
  }
}

extension AttentionMaps {
  /// Mean squared difference of the scores, each side prepared first.
  fileprivate func meanSquaredError(to other: AttentionMaps, prepare: (Tensor) -> Tensor) -> Tensor {
    prepare(values).meanSquaredError(to: prepare(other.values))
  }

  /// Mean squared difference of the sums over heads, each prepared first.
  fileprivate func meanSquaredErrorOfSums(to other: AttentionMaps, prepare: (Tensor) -> Tensor) -> Tensor {
    let (own, other) = (AttentionBlocks(self), AttentionBlocks(other))
    return weightedSum(Sequences(keyStarts).squareShares) { index in
      prepare(own.sumOverHeads(index)).meanSquaredError(to: prepare(other.sumOverHeads(index)))
    }
  }
}

/// The attention scores of one side, sequence by sequence; sequences without queries are left out.
struct AttentionBlocks {
  private let maps: AttentionMaps
  private let ranges: [Range<Int>]
  /// The keys of each sequence.
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
  func rows(_ index: Int) -> Tensor {
    let block = maps.values.rows(ranges[index])
    return block.reshaped([block.count / keys[index], keys[index]])
  }

  /// The sums over heads of the scores of one sequence, [queries, keys].
  func sumOverHeads(_ index: Int) -> Tensor {
    let block = maps.values.rows(ranges[index])
    let perHead = block.count / maps.heads
    return block.reshaped([maps.heads, perHead]).sum(axis: 0)
      .reshaped([perHead / keys[index], keys[index]])
  }

  /// The means over heads of the scores of one sequence, [queries, keys].
  func meanOverHeads(_ index: Int) -> Tensor {
    sumOverHeads(index) / Float(maps.heads)
  }
}

extension AttentionMaps {
  /// Places of the values between chosen tokens, in the order of maps of these tokens alone.
  ///
  /// - Parameter rows: Tokens of the batch, ascending; each token is a query and a key.
  func indices(of rows: [Int32]) -> [Int32] {
    precondition(queryStarts == keyStarts, "Tokens can only be chosen where each is a query and a key.")
    var (indices, offset): ([Int32], Int) = ([], 0)
    for range in zip(keyStarts, keyStarts.dropFirst()) {
      let count = Int(range.1 - range.0)
      let chosen = rows.filter { $0 >= range.0 && $0 < range.1 }.map { Int($0 - range.0) }
      for head in 0..<heads {
        for query in chosen {
          let row = offset + (head * count + query) * count
          indices += chosen.map { Int32(row + $0) }
        }
      }
      offset += heads * count * count
    }
    return indices
  }

  /// The maps cut off from the tape: constants.
  var detached: AttentionMaps {
    AttentionMaps(values: values.detached, heads: heads, queryStarts: queryStarts, keyStarts: keyStarts)
  }

  /// The maps between chosen tokens alone.
  func restricted(to rows: [Int32]) -> AttentionMaps {
    let starts = keyStarts.map { start in Int32(rows.count { $0 < start }) }
    let chosen = values.reshaped([values.count, 1]).rows(at: indices(of: rows))
    return AttentionMaps(
      values: chosen.reshaped([chosen.count]), heads: heads, queryStarts: starts, keyStarts: starts)
  }
}

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
