/// Which of two texts gives way when both are too long together; the names are those of `transformers`.
public enum TruncationStrategy: String, Codable, Sendable, CaseIterable {
  /// The longer text is cut first, then both evenly.
  case longestFirst = "longest_first"
  /// Only the first text is cut.
  case onlyFirst = "only_first"
  /// Only the pair is cut (passages behind a question).
  case onlySecond = "only_second"
}

/// How to cut texts that are too long.
public struct Truncation: Sendable, Equatable {
  /// The largest number of tokens, special tokens included.
  public var maxLength: Int
  /// Which text gives way.
  public var strategy: TruncationStrategy
  /// How many tokens each window repeats from the one before (`encodeWindows`).
  public var stride: Int

  /// Cuts to `maxLength` tokens, special tokens included.
  public init(maxLength: Int, strategy: TruncationStrategy = .longestFirst, stride: Int = 0) {
    self.maxLength = maxLength
    self.strategy = strategy
    self.stride = stride
  }

  /// The number of tokens to keep of each text, as `tokenizers` computes it.
  ///
  /// - Parameters:
  ///   - lengths: the numbers of tokens of the texts, one or two.
  ///   - added: how many special tokens come on top.
  /// - Throws: `TokenizerError.truncation` when the strategy cannot reach the length.
  func keptLengths(_ lengths: [Int], added: Int) throws(TokenizerError) -> [Int] {
    guard maxLength >= added else {
      throw .truncation(
        reason:
          "the length \(maxLength) leaves no room for the \(added) special tokens; allow at least \(added)")
    }
    let limit = maxLength - added
    if limit == 0 { return lengths.map { _ in 0 } }
    let total = lengths.reduce(0, +)
    if total <= limit { return lengths }
    var kept = lengths
    switch strategy {
    case .longestFirst where lengths.count == 1:
      kept = [limit]
    case .longestFirst:
      let shorter = min(lengths[0], lengths[1])
      var (first, second) = (shorter, shorter > limit ? shorter : max(shorter, limit - shorter))
      if first + second > limit { (first, second) = (limit / 2, limit / 2 + limit % 2) }
      kept = lengths[0] > lengths[1] ? [second, first] : [first, second]
    case .onlyFirst, .onlySecond:
      let index = strategy == .onlyFirst ? 0 : 1
      guard index < lengths.count else {
        throw .truncation(reason: "the strategy is only_second, but there is no second text")
      }
      let excess = total - limit
      guard lengths[index] > excess else {
        throw .truncation(
          reason: "the strategy is \(strategy.rawValue), but that text has \(lengths[index]) tokens and "
            + "\(excess) must go to reach the length \(maxLength); allow more tokens or cut the other text too"
        )
      }
      kept[index] = lengths[index] - excess
    }
    for (length, limit) in zip(lengths, kept) where limit > 0 && limit < length && stride >= limit {
      throw .truncation(
        reason:
          "the stride \(stride) must be smaller than the \(limit) tokens that a window keeps of the text")
    }
    return kept
  }
}
