/// One row that cannot be used, and why.
public struct RowFault: Error, Sendable, Hashable, CustomStringConvertible {
  /// The line on which the row starts, counted from 1; 0 where `place` says more.
  public let line: Int
  /// The way to the value in a file that is one JSON document, such as `data[0].paragraphs[2].qas[1]`.
  public let place: String?
  /// What was found.
  public let found: String
  /// What was expected instead.
  public let expected: String

  /// A fault of its parts.
  package init(line: Int = 0, place: String? = nil, found: String, expected: String) {
    self.line = line
    self.place = place
    self.found = found
    self.expected = expected
  }

  /// The fault without the name of its file.
  public var description: String { "found \(found), expected \(expected)" }
}

/// How many rows of a file were read, which could not be used and which had to be repaired.
public struct RowReport: Sendable, Hashable {
  /// The rows (sentences, questions) of the file, the header and blank lines not counted.
  public var rowCount = 0
  /// The rows that cannot be used, in the order of the file.
  public var faults: [RowFault] = []
  /// What was wrong but has one plain meaning, in the order of the file; the rows are used.
  public var repairs: [RowRepair] = []

  /// A report of nothing yet.
  public init() {}

  /// The message that lists the first faults, each with its file and line.
  public func message(path: String, showing limit: Int = 8) -> String {
    var lines = ["\(path): \(faults.count) of \(rowCount) rows cannot be used:"]
    lines += Self.list(faults.map { Self.mark(path, $0.line, $0.place) + ": \($0)" }, limit)
    lines.append("Correct them, or leave bad rows out with --skip-bad-rows.")
    return lines.joined(separator: "\n")
  }

  /// Lines that show the first rows that cannot be used and the first repairs, each with its file and line.
  func excerpt(path: String, showing limit: Int = 3) -> [String] {
    Self.list(faults.map { Self.mark(path, $0.line, $0.place) + ": \($0)" }, limit)
      + Self.list(repairs.map { Self.mark(path, $0.line, $0.place) + ": \($0)" }, limit)
  }

  private static func list(_ items: [String], _ limit: Int) -> [String] {
    let lines = items.prefix(limit).map { "  " + $0 }
    return items.count > limit ? lines + ["  ... and \(items.count - limit) more"] : lines
  }

  private static func mark(_ path: String, _ line: Int, _ place: String?) -> String {
    place.map { "\(path), \($0)" } ?? "\(path):\(line)"
  }
}
