/// Tokens as the cutter produces them, before special tokens and strings: parallel arrays.
struct TokenBuffer {
  /// Token ids.
  var ids: [Int32] = []
  /// The first source scalar of each token.
  var starts: [Int32] = []
  /// The position behind the last source scalar of each token.
  var ends: [Int32] = []
  /// The word that each token belongs to.
  var words: [Int32] = []
  /// The number of words so far.
  var wordCount: Int32 = 0
  /// The matched text of tokens that do not show their vocabulary entry, by token index.
  var texts: [(index: Int, text: String)] = []

  var count: Int { ids.count }

  /// Appends a word of one token.
  @inline(__always)
  mutating func append(_ id: Int32, _ start: Int32, _ end: Int32) {
    ids.append(id)
    starts.append(start)
    ends.append(end)
    words.append(wordCount)
    wordCount += 1
  }

  /// Removes all tokens from an index on, and the words that began with them.
  mutating func truncate(to count: Int, words wordCount: Int32) {
    ids.removeLast(ids.count - count)
    starts.removeLast(starts.count - count)
    ends.removeLast(ends.count - count)
    words.removeLast(words.count - count)
    self.wordCount = wordCount
  }
}
