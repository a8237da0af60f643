/// What a model sees of a sentence at once: all of it, or a part where the sentence is longer than the model allows.
public struct EntityWindow: Sendable, Hashable {
  /// The tokens; the target is one tag a token, -100 for special tokens, later pieces of a word and words that another
  /// window decides.
  public var example: EncodedExample
  /// The position of the sentence in the data set.
  public let sentence: Int
  /// The word that each token belongs to, -1 for special tokens [length].
  public let words: [Int]
  /// The words whose tags this window decides: those of a sentence's windows follow each other without gap or overlap.
  public let owned: Range<Int>

  /// The tokens that decide tags: the first piece of each word the window owns, in order.
  public var decidingTokens: [(token: Int, word: Int)] {
    var result: [(Int, Int)] = []
    var last = -1
    for (token, word) in words.enumerated() where word >= 0 && word != last {
      last = word
      if owned.contains(word) { result.append((token, word)) }
    }
    return result
  }
}
