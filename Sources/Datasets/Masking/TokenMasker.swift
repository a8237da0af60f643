public import Foundation
public import Tokenization

/// Masking of tokens for a masked language model, anew in each epoch.
///
/// Each unit (token, or word) is chosen with one probability; of the chosen tokens 80 % become [MASK], 10 % a random
/// ordinary token and 10 % stay (Devlin and others 2019, *BERT*, and `DataCollatorForLanguageModeling` of `transformers`).
/// With whole words a word's pieces are chosen together, in Chinese those of the lexicon (Cui and others 2019,
/// *Pre-Training with Whole Word Masking for Chinese BERT*). A sequence in which chance chose nothing gets one unit all
/// the same, since it would teach nothing. The result depends on nothing but seed, epoch, index and tokens.
public struct TokenMasker: Sendable {
  /// The part of the tokens that is chosen.
  public let probability: Double
  /// Whether words are chosen as wholes.
  public let wholeWords: Bool
  /// The seed, which decides the choice together with epoch and index.
  public var seed: UInt64
  private let segmenter: WordSegmenter?
  private let maskID: Int32
  /// The tokens that may stand for another.
  private let ordinary: [Int32]
  private let kinds: [Kind]

  private enum Kind: Sendable {
    case special
    case ordinary
    /// Goes on with the word before it.
    case continuing
    /// A Chinese character by itself.
    case character(UInt32)
  }

  /// A masker for the tokens of a tokenizer.
  ///
  /// - Parameters:
  ///   - probability: The part of the tokens to choose, above 0 and below 1.
  ///   - wholeWords: Whether a word's pieces are chosen together.
  ///   - segmenter: What puts Chinese characters together to words; nil makes each a word.
  ///   - seed: What, with epoch and index, decides the choice.
  ///
  /// Throws `TokenizerError.invalid` when the vocabulary has no mask token.
  public init(
    tokenizer: any Tokenizer, probability: Double = 0.15, wholeWords: Bool = false,
    segmenter: WordSegmenter? = nil, seed: UInt64 = 42
  ) throws(TokenizerError) {
    precondition(
      probability > 0 && probability < 1, "Tokens cannot be chosen with probability \(probability).")
    guard let maskID = tokenizer.maskID else {
      throw .invalid(
        file: "vocabulary", field: "mask_token",
        reason: "the vocabulary has no such token, expected one that hides others, such as \"[MASK]\""
      )
    }
    self.probability = probability
    self.wholeWords = wholeWords
    self.segmenter = segmenter
    self.seed = seed
    self.maskID = maskID
    let special = Set(tokenizer.addedTokens.filter(\.special).map(\.content))
    let isContinuing = Self.continuationRule(of: tokenizer)
    let kinds = (0..<Int32(tokenizer.idLimit)).map { id -> Kind in
      guard let token = tokenizer.token(id), !special.contains(token) else { return .special }
      let scalars = token.unicodeScalars
      if let first = scalars.first?.value, Self.isWrittenWithoutSpaces(first) {
        // No space tells where its word begins.
        return scalars.count == 1 && Self.isChinese(first) ? .character(first) : .ordinary
      }
      return isContinuing(token) ? .continuing : .ordinary
    }
    self.kinds = kinds
    ordinary = kinds.indices.compactMap { if case .special = kinds[$0] { nil } else { Int32($0) } }
  }

  /// Tells which tokens go on with the word before them: in a WordPiece vocabulary those with its prefix, in others those
  /// that do not begin with white space or its sign (the rule of fairseq's `mask_whole_words`, by which punctuation
  /// belongs to its word).
  private static func continuationRule(of tokenizer: any Tokenizer) -> (String) -> Bool {
    switch tokenizer.wordSign {
    case .beginning(let signs, _):
      return { token in !(token.unicodeScalars.first.map(signs.contains) ?? true) }
    case .continuation(let prefix):
      // Bytes are compared, since a mark behind the prefix would make one character with its end.
      return { token in
        !prefix.isEmpty && token.utf8.count > prefix.utf8.count && token.utf8.starts(with: prefix.utf8)
      }
    }
  }

  /// Hides tokens of one example; the target is each chosen token's own id, -100 elsewhere.
  ///
  /// - Parameters:
  ///   - epoch: The pass over the data, counted from 0; each hides other tokens.
  ///   - index: The position of the example in the data set.
  public func mask(_ example: EncodedExample, epoch: Int, index: Int) -> EncodedExample {
    var random = SplitMix64(seed, UInt64(bitPattern: Int64(epoch)), UInt64(bitPattern: Int64(index)))
    let units = units(of: example.ids)
    var chosen = units.filter { _ in random.chance(probability) }
    if chosen.isEmpty && !units.isEmpty { chosen = [random.pick(units)] }
    var result = example
    var targets = [Int32](repeating: EncodedExample.noLabel, count: example.length)
    for place in chosen.joined() {
      targets[place] = example.ids[place]
      let way = random.uniform()
      if way < 0.8 {
        result.ids[place] = maskID
      } else if way < 0.9 {
        result.ids[place] = random.pick(ordinary)
      }
    }
    result.target = .tags(targets)
    return result
  }

  /// The places that are chosen together.
  func units(of ids: [Int32]) -> [Range<Int>] {
    var units: [Range<Int>] = []
    /// The places of the run of Chinese characters that ends here.
    var run: [UInt32] = []
    func endRun(at place: Int) {
      guard let segmenter, !run.isEmpty else { return }
      var start = place - run.count
      for length in segmenter.lengths(run) {
        units.append(start..<start + length)
        start += length
      }
      run = []
    }
    for (place, id) in ids.enumerated() {
      let kind = Int(id) < kinds.count ? kinds[Int(id)] : .special
      if wholeWords, segmenter != nil, case .character(let scalar) = kind {
        run.append(scalar)
        continue
      }
      endRun(at: place)
      switch kind {
      case .special: break
      case .continuing where wholeWords && units.last?.upperBound == place:
        units[units.count - 1] = units[units.count - 1].lowerBound..<place + 1
      case .ordinary, .continuing, .character: units.append(place..<place + 1)
      }
    }
    endRun(at: ids.count)
    return units
  }

  /// Whether a scalar belongs to a script without spaces between words: Chinese, Japanese, Thai, Lao, Burmese or Khmer.
  private static func isWrittenWithoutSpaces(_ scalar: UInt32) -> Bool {
    switch scalar {
    case 0x0E00...0x0EFF, 0x1000...0x109F, 0x1780...0x17FF, 0x3040...0x30FF, 0x31F0...0x31FF: true
    default: isChinese(scalar)
    }
  }

  /// The scalars that BERT takes for Chinese characters.
  static func isChinese(_ scalar: UInt32) -> Bool {
    switch scalar {
    case 0x3400...0x4DBF, 0x4E00...0x9FFF, 0xF900...0xFAFF, 0x20000...0x2A6DF, 0x2A700...0x2CEAF,
      0x2F800...0x2FA1F:
      true
    default: false
    }
  }
}

/// Segmenter of a run of Chinese characters into words: from left to right, each time the longest word of a lexicon.
///
/// Forward maximum matching (Liang 1986); a character that begins no word of the lexicon is one by itself.
public struct WordSegmenter: Sendable {
  /// The words of two or more characters, each as its Unicode scalars.
  private let lexicon: Set<[UInt32]>
  private let longest: Int

  /// A segmenter of some words; those of one character are words anyway.
  public init(words: some Sequence<String>) {
    let scalars = words.map { $0.unicodeScalars.map(\.value) }.filter { $0.count > 1 }
    lexicon = Set(scalars)
    longest = scalars.map(\.count).max() ?? 1
  }

  /// Reads a file of one word a line; what follows a space or tab, such as a frequency, is passed over.
  ///
  /// Throws `DatasetError.unreadableFile`, and `badRows` for lines that are not UTF-8.
  public init(contentsOf url: URL) throws(DatasetError) {
    var lines = try TextLines(path: url.path(percentEncoded: false))
    var words: [String] = []
    while let line = lines.next() {
      words += line.split(maxSplits: 1, whereSeparator: \.isWhitespace).prefix(1).map(String.init)
    }
    if !lines.report.faults.isEmpty { throw .badRows(path: lines.path, report: lines.report) }
    self.init(words: words)
  }

  /// The lengths of the words of a run of characters, in order; they add up to the run.
  func lengths(_ characters: some RandomAccessCollection<UInt32>) -> [Int] {
    let characters = Array(characters)
    var lengths: [Int] = []
    var start = 0
    while start < characters.count {
      var length = min(longest, characters.count - start)
      while length > 1 && !lexicon.contains(Array(characters[start..<start + length])) { length -= 1 }
      lengths.append(max(length, 1))
      start += max(length, 1)
    }
    return lengths
  }
}
