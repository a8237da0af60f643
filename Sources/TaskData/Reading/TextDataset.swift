/// The usable rows of one file, and an account of those that were left out.
public struct TextDataset: Sendable, Hashable {
  /// The file.
  public var path: String
  /// The usable rows in the order of the file.
  public var examples: [TextExample]
  /// How many rows there were and which were bad.
  public var report: RowReport
  /// The rows left out because their text occurs in the training file too.
  public var trainDuplicateCount: Int

  /// A data set from a reader, or made by hand.
  public init(
    path: String, examples: [TextExample], report: RowReport = RowReport(), trainDuplicateCount: Int = 0
  ) {
    self.path = path
    self.examples = examples
    self.report = report
    self.trainDuplicateCount = trainDuplicateCount
  }

  /// The number of usable rows.
  public var count: Int { examples.count }

  /// The number of rows that have a label.
  public var labelledCount: Int { examples.count { $0.label != nil } }

  /// The first rows only, as `max_train_samples` and its kin ask for.
  public func prefix(_ maxCount: Int) -> TextDataset {
    var result = self
    result.examples = Array(examples.prefix(maxCount))
    return result
  }

  /// A line for people: how many rows, and what was left out.
  public var summary: String {
    var parts = ["\(path): \(count) examples"]
    if !report.faults.isEmpty { parts.append("\(report.faults.count) bad rows skipped") }
    if trainDuplicateCount > 0 { parts.append("\(trainDuplicateCount) that also occur in train dropped") }
    return parts.joined(separator: ", ")
  }
}
