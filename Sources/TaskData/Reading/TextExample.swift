/// One row of a data set: a text, or a pair of texts, and what is known about its label.
public struct TextExample: Sendable, Hashable {
  /// The text.
  public var text: String
  /// The second text of a pair.
  public var pair: String?
  /// The label as an index of the task's `labels`, the number, or the labels that apply.
  public var target: ExampleTarget
  /// The line of the file on which the row starts, counted from 1; 0 for an example that no file holds.
  public var line: Int
  /// The number that the file's own column `index` gives it, else the place among the rows of the file, counted from 0,
  /// bad rows too; nil for an example that no file holds.
  public var row: Int?

  /// The index of the label in the task's `labels`, nil where the target is not one label.
  public var label: Int? {
    get { if case .label(let label) = target { Int(label) } else { nil } }
    set { target = newValue.map { .label(Int32($0)) } ?? .none }
  }

  /// An example made by hand or by a reader.
  public init(
    text: String, pair: String? = nil, target: ExampleTarget = .none, line: Int = 0, row: Int? = nil
  ) {
    self.text = text
    self.pair = pair
    self.target = target
    self.line = line
    self.row = row
  }

  /// An example with one label, or with none.
  public init(text: String, pair: String? = nil, label: Int?, line: Int = 0, row: Int? = nil) {
    self.init(text: text, pair: pair, line: line, row: row)
    self.label = label
  }
}
