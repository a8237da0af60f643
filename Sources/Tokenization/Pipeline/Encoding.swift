/// A tokenized text or pair of texts, special tokens included.
///
/// Every array has one element a token and is made when it is asked for, as in `tokenizers`: keep it in a variable where
/// you go through it.
public struct Encoding: Sendable {
  /// The tokens with the stretches they come from.
  let records: [TokenBuffer.Token]
  /// The matched text of tokens that do not show their vocabulary entry, by token index.
  let texts: [TokenBuffer.MatchedText]
  /// The number of tokens of each text.
  let lengths: (first: Int, second: Int)
  /// The layout of the texts and the special tokens.
  let layout: SequenceLayout
  /// The pipeline, to whose vocabulary the ids belong.
  let pipeline: TokenizerPipeline

  /// The number of tokens.
  public var count: Int { records.count }

  /// Token ids.
  public var ids: [Int32] { records.map(\.id) }

  /// Offsets of each token in its original text, in Unicode scalars; 0..<0 for special tokens that no text contains.
  public var offsets: [Range<Int>] {
    guard let trimming = pipeline.trimming else { return records.map { Int($0.start)..<Int($0.end) } }
    var result: [Range<Int>] = []
    result.reserveCapacity(count)
    var matches = texts[...]
    for part in layout.parts {
      switch part {
      case .text(let index, _):
        let first = result.count
        for position in first..<first + length(of: index) {
          let match = matches.first?.index == position ? matches.popFirst() : nil
          result.append(
            trimming.trimmed(records[position], matched: match?.text, isFirst: position == first))
        }
      case .specials(let specials, _):
        result.append(contentsOf: repeatElement(0..<0, count: specials.count))
      }
    }
    return result
  }

  /// Token strings; an added token shows the stretch of text it matched.
  public var tokens: [String] {
    let vocabulary = pipeline.vocabulary.tokens
    var result: [String] = []
    result.reserveCapacity(count)
    for part in layout.parts {
      switch part {
      case .text(let index, _):
        for record in records[result.count..<result.count + length(of: index)] {
          // Added tokens beyond the vocabulary show the text they matched, below.
          let id = Int(record.id)
          result.append(id < vocabulary.count ? vocabulary[id] : "")
        }
      case .specials(let specials, _): for special in specials { result.append(special.text) }
      }
    }
    for (index, text) in texts { result[index] = text }
    return result
  }

  /// Segments (token types): 0 for the first text and its special tokens, 1 for the pair, unless a template says other.
  public var segments: [Int32] {
    expanded { part in
      switch part {
      case .text(_, let segment), .specials(_, let segment): segment
      }
    }
  }

  /// The text that a token comes from: 0, 1 for the pair, nil for the special tokens put around them.
  public var sequenceIndex: [Int?] {
    expanded { if case .text(let index, _) = $0 { index } else { nil } }
  }

  /// Whether a token is one of the special tokens put around the texts.
  public var specialTokensMask: [Bool] {
    expanded { if case .specials = $0 { true } else { false } }
  }

  /// The number of the word (or punctuation mark) in its text that a token belongs to.
  public var wordIndex: [Int?] { records.map { $0.word < 0 ? nil : Int($0.word) } }

  private func length(of text: Int) -> Int { text == 0 ? lengths.first : lengths.second }

  /// One value a part, repeated for each of its tokens.
  private func expanded<Value>(_ value: (SequenceLayout.Part) -> Value) -> [Value] {
    var result: [Value] = []
    result.reserveCapacity(count)
    for part in layout.parts {
      let count =
        switch part {
        case .text(let index, _): length(of: index)
        case .specials(let specials, _): specials.count
        }
      result.append(contentsOf: repeatElement(value(part), count: count))
    }
    return result
  }
}

extension Encoding: Equatable {
  /// Whether every array is equal.
  public static func == (a: Encoding, b: Encoding) -> Bool {
    a.records == b.records && a.lengths == b.lengths && a.segments == b.segments
      && a.sequenceIndex == b.sequenceIndex && a.tokens == b.tokens
  }
}

/// Strategy that decides which of two texts gives way when both are too long together; the names are those of
/// `transformers`.
public enum TruncationStrategy: String, Codable, Sendable, CaseIterable {
  /// The longer text is cut first, then both evenly.
  case longestFirst = "longest_first"
  /// Only the first text is cut.
  case onlyFirst = "only_first"
  /// Only the pair is cut (passages behind a question).
  case onlySecond = "only_second"
}

/// Truncation of texts that are too long.
public struct Truncation: Sendable, Equatable {
  /// The largest number of tokens, special tokens included.
  public var maxLength: Int
  /// The strategy: which text gives way.
  public var strategy: TruncationStrategy
  /// The number of tokens that each window repeats from the one before (`encodeWindows`).
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
