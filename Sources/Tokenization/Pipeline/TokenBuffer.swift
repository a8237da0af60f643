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

  /// What an added token matched in the text.
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
