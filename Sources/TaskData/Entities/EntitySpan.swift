/// A run of words that names something.
public struct EntitySpan: Sendable, Hashable {
  /// The index of its type in the task's `labels`.
  public var type: Int
  /// Its words as positions in the sentence; at least one.
  public var words: Range<Int>

  /// An entity of one or more words.
  public init(type: Int, words: Range<Int>) {
    precondition(!words.isEmpty, "An entity has at least one word.")
    self.type = type
    self.words = words
  }
}
