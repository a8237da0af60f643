/// Tokens as the cutter produces them, before special tokens and strings.
struct TokenBuffer {
  /// A token with the part of the text it comes from.
  struct Token {
    var id: Int32
    /// The first source scalar.
    var start: Int32
    /// The position behind the last source scalar.
    var end: Int32
    /// The word that the token belongs to.
    var word: Int32
  }

  var tokens: [Token] = []
  /// The number of words so far.
  var wordCount: Int32 = 0
  /// The matched text of tokens that do not show their vocabulary entry, by token index.
  var texts: [(index: Int, text: String)] = []

  var count: Int { tokens.count }

  /// Appends a word of one token.
  @inline(__always)
  mutating func append(_ id: Int32, _ start: Int32, _ end: Int32) {
    tokens.append(Token(id: id, start: start, end: end, word: wordCount))
    wordCount += 1
  }

  /// Appends a piece of the word that is being cut; its end counts bytes until the word is finished.
  @inline(__always)
  mutating func appendPiece(_ id: Int32, end: Int32) {
    tokens.append(Token(id: id, start: 0, end: end, word: wordCount))
  }

  /// Removes all tokens from an index on.
  @inline(__always)
  mutating func truncate(to count: Int) {
    if tokens.count > count { tokens.removeLast(tokens.count - count) }
  }
}
