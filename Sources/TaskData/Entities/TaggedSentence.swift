/// One sentence of a token classification task: its words (characters, in Chinese data) and their tags.
public struct TaggedSentence: Sendable, Hashable {
  /// The words.
  public var words: [String]
  /// The tag of each word as an index of the task's `tagSet`, nil where the sentence has none.
  public var tags: [Int]?
  /// The line of the file on which the sentence starts, counted from 1; 0 for one that no file holds.
  public var line: Int

  /// A sentence made by hand or by a reader.
  public init(words: [String], tags: [Int]? = nil, line: Int = 0) {
    precondition(
      tags.map { $0.count == words.count } ?? true,
      "A sentence needs one tag for each word, but has \(words.count) words and \(tags?.count ?? 0) tags.")
    self.words = words
    self.tags = tags
    self.line = line
  }
}
