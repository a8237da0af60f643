import Kernels
package import Tokenization

/// The tokens of single words, each cut by itself as Hugging Face does with `is_split_into_words`.
///
/// A data set has far fewer words than places, all the more where characters are the words, so each is cut once.
struct WordPieces: Sendable {
  /// A word by its bytes: Swift's strings are equal where only their normal form is, and a cased vocabulary tells such apart.
  private struct Key: Hashable {
    let word: String

    static func == (a: Key, b: Key) -> Bool { a.word.utf8.elementsEqual(b.word.utf8) }

    func hash(into hasher: inout Hasher) { for byte in word.utf8 { hasher.combine(byte) } }
  }

  private let pieces: [Key: [Int32]]

  init(of sentences: [TaggedSentence], with tokenizer: any Tokenizer) {
    var keys: Set<Key> = []
    for sentence in sentences { for word in sentence.words { keys.insert(Key(word: word)) } }
    let words = keys.map(\.word)
    let tokenizer = tokenizer.forSplitWords
    let encoded = concurrentMap(words.count) {
      tokenizer.encodeIDs(words[$0], addSpecialTokens: false).ids
    }
    pieces = Dictionary(zip(words.map(Key.init), encoded)) { first, _ in first }
  }

  /// The tokens of a word, none for one that normalises to nothing; an empty one has none either, though a byte-level
  /// tokenizer puts a space before words.
  subscript(word: String) -> [Int32] { word.isEmpty ? [] : pieces[Key(word: word)] ?? [] }
}

/// The special tokens that a tokenizer puts around one text.
package struct SpecialFrame: Sendable {
  /// Those before the text.
  package let before: [Int32]
  /// Those behind it.
  package let after: [Int32]
  private let segments: (before: [Int32], text: Int32, after: [Int32])

  /// The frame that a tokenizer's template puts around a text.
  package init(of tokenizer: any Tokenizer) {
    // Any text shows where the template puts it; a letter is at least one token, [UNK] if need be.
    let encoding = tokenizer.encode("a")
    let (ids, segments) = (encoding.ids, encoding.segments)
    let isText = encoding.specialTokensMask.map { !$0 }
    let first = isText.firstIndex(of: true) ?? ids.count
    let end = (isText.lastIndex(of: true) ?? ids.count - 1) + 1
    before = Array(ids[..<first])
    after = Array(ids[end...])
    self.segments = (
      Array(segments[..<first]), first < segments.count ? segments[first] : 0, Array(segments[end...])
    )
  }

  /// Their number.
  package var count: Int { before.count + after.count }

  /// An example of a text's tokens in the frame.
  package func around(_ ids: [Int32]) -> EncodedExample {
    EncodedExample(
      ids: before + ids + after,
      segments: segments.before + Array(repeating: segments.text, count: ids.count) + segments.after)
  }
}
