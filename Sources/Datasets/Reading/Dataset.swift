/// The usable rows of one file, and a note on those that were left out or repaired.
public struct Dataset<Example: Sendable & Hashable>: Sendable, Hashable {
  /// The file.
  public var path: String
  /// The usable rows in the order of the file.
  public var examples: [Example]
  /// The report: how many rows there were, which were bad and which were repaired.
  public var report: RowReport
  /// The rows left out because their text occurs in the training file too.
  public var trainDuplicateCount: Int
  /// Part of the file that the rows are, in words; nil where they are the whole.
  package var part: String?

  /// A data set from a reader, or made by hand.
  public init(
    path: String, examples: [Example], report: RowReport = RowReport(), trainDuplicateCount: Int = 0
  ) {
    self.path = path
    self.examples = examples
    self.report = report
    self.trainDuplicateCount = trainDuplicateCount
  }

  /// The number of usable rows.
  public var count: Int { examples.count }

  /// The first rows only, as `max_train_samples` and its kin ask for.
  public func prefix(_ maxCount: Int) -> Dataset {
    var result = self
    result.examples = Array(examples.prefix(maxCount))
    return result
  }

  /// A line for people: how many rows, and what was left out or repaired.
  public var summary: String { summary(of: count) }

  private func summary(of count: Int) -> String {
    var parts = ["\(path): \(count) examples"]
    if let part { parts.append(part) }
    if report.faultCount > 0 { parts.append("\(report.faultCount) bad rows skipped") }
    if report.repairCount > 0 { parts.append("\(report.repairCount) repairs") }
    if trainDuplicateCount > 0 { parts.append("\(trainDuplicateCount) that also occur in train dropped") }
    return parts.joined(separator: ", ")
  }

  /// The note for people: the summary, and below it the first rows left out and the first repairs, each with its file and line.
  public var note: String { note(of: count) }

  /// The note of rows of which these are some or none, as where they are read block by block.
  ///
  /// - Parameter count: How many there are.
  package func note(of count: Int) -> String {
    ([summary(of: count)] + report.excerpt(path: path)).joined(separator: "\n")
  }

  /// Counts a row and puts it where it belongs.
  mutating func add(_ row: Result<Example, RowFault>) {
    report.rowCount += 1
    switch row {
    case .success(let example): examples.append(example)
    case .failure(let fault): report.add(fault)
    }
  }
}

/// The texts or pairs of one file.
public typealias TextDataset = Dataset<TextExample>

extension Dataset where Example == TextExample {
  /// The number of rows that have a label, a number or a list of labels.
  public var labelledCount: Int { examples.count { $0.target != .none } }
}

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
  /// Name of the row in the file's own column of ids; nil where it has none.
  public var id: String?

  /// Names of columns that hold ids, the surest first.
  package static let idNames = ["id", "guid", "uid", "idx"]

  /// The index of the label in the task's `labels`, nil where the target is not one label.
  public var label: Int? {
    get { if case .label(let label) = target { Int(label) } else { nil } }
    set { target = newValue.map { .label(Int32($0)) } ?? .none }
  }

  /// An example made by hand or by a reader.
  public init(
    text: String, pair: String? = nil, target: ExampleTarget = .none, line: Int = 0, row: Int? = nil,
    id: String? = nil
  ) {
    self.text = text
    self.pair = pair
    self.target = target
    self.line = line
    self.row = row
    self.id = id
  }

  /// An example with one label, or with none.
  public init(
    text: String, pair: String? = nil, label: Int?, line: Int = 0, row: Int? = nil, id: String? = nil
  ) {
    self.init(text: text, pair: pair, line: line, row: row, id: id)
    self.label = label
  }
}

/// Target of one example: what a model should answer; each kind of task has its own form of it.
public enum ExampleTarget: Sendable, Hashable {
  /// Nothing is known; losses and metrics skip the example.
  case none
  /// The index of one label.
  case label(Int32)
  /// A number (regression).
  case value(Float)
  /// Whether each label applies [K] (multi-label).
  case labels([Bool])
  /// One class a token [length], `EncodedExample.noLabel` where there is none: entity tags, or the ids behind a mask.
  case tags([Int32])
  /// The first and the last token of an answer as positions in the sequence; both 0, the [CLS], where there is none.
  case span(start: Int32, end: Int32)
}
