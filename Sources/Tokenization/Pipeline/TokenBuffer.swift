/// Tokens as the cutter produces them, before special tokens and strings.
struct TokenBuffer {
  /// A token with the part of the text it comes from.
  struct Token: Equatable {
    var id: Int32
    /// The first source scalar.
    var start: Int32
    /// The position behind the last source scalar.
    var end: Int32
    /// The word that the token belongs to, -1 for a special token put around the texts.
    var word: Int32
  }

  /// The text that an added token matched.
  typealias MatchedText = (index: Int, text: String)

  var tokens: [Token] = []
  /// The number of words so far.
  var wordCount: Int32 = 0
  /// The matched text of tokens that do not show their vocabulary entry, by token index.
  var texts: [MatchedText] = []

  /// An empty buffer.
  init() {}

  /// An empty buffer with room for the tokens of so many bytes of text.
  init(bytes: Int) {
    // English has about four bytes a token; growing the array costs more than what is too much.
    tokens.reserveCapacity(bytes / 3 + 4)
  }

  var count: Int { tokens.count }

  /// Appends a word of one token.
  @inline(__always)
  mutating func append(_ id: Int32, _ start: Int32, _ end: Int32) {
    tokens.append(Token(id: id, start: start, end: end, word: wordCount))
    wordCount += 1
  }

  /// Appends an added token that was found in the text.
  mutating func append(match id: Int32, _ start: Int32, _ end: Int32, text: String) {
    texts.append((count, text))
    append(id, start, end)
  }

  /// Appends special tokens that no text contains.
  mutating func append(specials: [SequenceTemplate.Token]) {
    for special in specials { tokens.append(Token(id: special.id, start: 0, end: 0, word: -1)) }
  }

  /// Appends a piece of the word that is being cut; its end counts bytes until the word is finished.
  @inline(__always)
  mutating func appendPiece(_ id: Int32, end: Int32) {
    tokens.append(Token(id: id, start: 0, end: end, word: wordCount))
  }

  /// Appends a piece of the word that is being cut.
  @inline(__always)
  mutating func appendPiece(_ id: Int32, start: Int32, end: Int32) {
    tokens.append(Token(id: id, start: start, end: end, word: wordCount))
  }

  /// Removes all tokens from an index on.
  @inline(__always)
  mutating func truncate(to count: Int) {
    if tokens.count > count { tokens.removeLast(tokens.count - count) }
  }
}

/// Cutter of text into the tokens of a vocabulary: the step in which tokenizers differ.
///
/// A class, since a cutter is much larger than a reference and handed on for every text.
protocol TextCutter: AnyObject, Sendable {
  /// Cuts a stretch of text that holds no added token.
  ///
  /// - Parameters:
  ///   - text: valid UTF-8, not empty.
  ///   - firstOrigin: the index of its first scalar in the whole text.
  ///   - output: gets the tokens appended.
  func cut(_ text: Span<UInt8>, firstOrigin: Int32, into output: inout TokenBuffer)

  /// Cuts a stretch of text in whose normalised form added tokens are to be found.
  func cut(
    _ text: Span<UInt8>, firstOrigin: Int32, finding tokens: AddedTokenMatcher,
    into output: inout TokenBuffer)

  /// The normalised form of an added token.
  func normalized(_ content: [UInt8]) -> [UInt8]
}

/// Trimming of white space at the ends of offsets, as byte-level post-processors of `tokenizers` do with
/// `trim_offsets`.
final class OffsetTrimming: Sendable {
  /// Numbers of white-space characters that a token begins and ends with.
  struct Spaces: Equatable {
    var leading: Int32 = 0
    var trailing: Int32 = 0
  }

  /// Whether the one space that a text's first token begins with stays inside, since it may have been put there
  /// (the post-processor's `add_prefix_space`).
  let keepsFirstSpace: Bool
  /// The white space of each token of the vocabulary.
  private let spaces: [Spaces]

  init(_ vocabulary: Vocabulary, keepsFirstSpace: Bool) {
    self.keepsFirstSpace = keepsFirstSpace
    spaces = vocabulary.tokens.map(Self.spaces)
  }

  /// The same trimming, which keeps the first space inside or does not.
  init(_ other: OffsetTrimming, keepsFirstSpace: Bool) {
    self.keepsFirstSpace = keepsFirstSpace
    spaces = other.spaces
  }

  /// The white space around a token, the byte-level alphabet's sign for a space included.
  private static func spaces(of token: String) -> Spaces {
    func isWhite(_ scalar: Unicode.Scalar) -> Bool {
      scalar == ByteLevelAlphabet.space
        || UnicodeTables.shared.properties(of: scalar.value).contains(.white)
    }
    let scalars = token.unicodeScalars
    return Spaces(
      leading: Int32(scalars.prefix(while: isWhite).count),
      trailing: Int32(scalars.reversed().prefix(while: isWhite).count))
  }

  /// The offsets of a token without its white space.
  ///
  /// - Parameters:
  ///   - matched: the text of an added token, which counts instead of the vocabulary's.
  ///   - isFirst: whether it is the first token of its text.
  func trimmed(_ token: TokenBuffer.Token, matched: String?, isFirst: Bool) -> Range<Int> {
    let spaces = matched.map(Self.spaces) ?? spaces[Int(token.id)]
    var (start, end) = (token.start, token.end)
    let isKept = spaces.leading == 1 && keepsFirstSpace && (isFirst || start == 0)
    if !isKept { start = min(start + spaces.leading, end) }
    if end >= spaces.trailing { end = max(end - spaces.trailing, start) }
    return Int(start)..<Int(end)
  }
}
