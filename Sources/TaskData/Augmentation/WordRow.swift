/// A row of a task as lists of words: one for a text or a sentence, two for a pair.
struct WordRow: Sendable, Hashable {
  /// The words of each text.
  var texts: [[String]]

  /// The number of words.
  var count: Int { texts.reduce(0) { $0 + $1.count } }

  /// The row with each of its texts changed.
  func mapTexts(_ change: ([String]) -> [String]) -> WordRow { WordRow(texts: texts.map(change)) }
}
