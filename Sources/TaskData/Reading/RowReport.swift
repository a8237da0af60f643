/// One row that cannot be used, and why.
public struct RowFault: Sendable, Hashable, CustomStringConvertible {
  /// The line on which the row starts, counted from 1.
  public let line: Int
  /// What was found.
  public let found: String
  /// What was expected instead.
  public let expected: String

  /// The fault without the name of its file.
  public var description: String { "found \(found), expected \(expected)" }
}

/// How many rows of a file were read and which could not be used.
public struct RowReport: Sendable, Hashable {
  /// The rows of the file, the header and blank lines not counted.
  public var rowCount = 0
  /// The rows that cannot be used, in the order of the file.
  public var faults: [RowFault] = []

  /// A report of nothing yet.
  public init() {}

  /// The message that lists the first faults, each with its file and line.
  public func message(path: String, showing limit: Int = 8) -> String {
    let count = faults.count
    var lines = ["\(path): \(count) of \(rowCount) rows cannot be used:"]
    lines += faults.prefix(limit).map { "  \(path):\($0.line): \($0)" }
    if count > limit { lines.append("  ... and \(count - limit) more") }
    lines.append("Correct them, or skip and count bad rows with --skip-bad-rows.")
    return lines.joined(separator: "\n")
  }
}
