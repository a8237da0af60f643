/// One row of a data set: a text, or a pair of texts, and what is known about its label.
public struct TextExample: Sendable, Hashable {
  /// The text.
  public var text: String
  /// The second text of a pair.
  public var pair: String?
  /// The index of the label in the task's `labels`, nil where the row has none.
  public var label: Int?
  /// The line of the file on which the row starts, counted from 1; 0 for an example that no file holds.
  public var line: Int

  /// An example made by hand or by a reader.
  public init(text: String, pair: String? = nil, label: Int? = nil, line: Int = 0) {
    self.text = text
    self.pair = pair
    self.label = label
    self.line = line
  }
}
