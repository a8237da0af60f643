/// The usable rows of one file, and an account of those that were left out or repaired.
public struct Dataset<Example: Sendable & Hashable>: Sendable, Hashable {
  /// The file.
  public var path: String
  /// The usable rows in the order of the file.
  public var examples: [Example]
  /// How many rows there were, which were bad and which were repaired.
  public var report: RowReport
  /// The rows left out because their text occurs in the training file too.
  public var trainDuplicateCount: Int

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
  public var summary: String {
    var parts = ["\(path): \(count) examples"]
    if !report.faults.isEmpty { parts.append("\(report.faults.count) bad rows skipped") }
    if !report.repairs.isEmpty { parts.append("\(report.repairs.count) repairs") }
    if trainDuplicateCount > 0 { parts.append("\(trainDuplicateCount) that also occur in train dropped") }
    return parts.joined(separator: ", ")
  }

  /// The summary, and below it the first of what was left out and of what was repaired, each with its file and line.
  public var account: String { ([summary] + report.excerpt(path: path)).joined(separator: "\n") }

  /// Counts a row and puts it where it belongs.
  mutating func add(_ row: Result<Example, RowFault>) {
    report.rowCount += 1
    switch row {
    case .success(let example): examples.append(example)
    case .failure(let fault): report.faults.append(fault)
    }
  }
}

/// The texts or pairs of one file.
public typealias TextDataset = Dataset<TextExample>

extension Dataset where Example == TextExample {
  /// The number of rows that have a label, a number or a list of labels.
  public var labelledCount: Int { examples.count { $0.target != .none } }
}
