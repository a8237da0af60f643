/// Error of a task's data: between a task file, its data files and the examples in them.
public enum DatasetError: Error, Sendable, Equatable {
  /// A definition with faults, all of them; the file where it has one.
  case invalidTask(name: String, faults: [String], file: String? = nil)
  /// A task whose files are read, or whose examples are made, in another way.
  case wrongKind(task: String, kind: String, expected: [String])
  /// `--task NAME` found no recipe of that name.
  case unknownTask(name: String, searched: [String], known: [String])
  /// The task names no file for this split.
  case missingSplit(task: String, split: String)
  /// A data file that cannot be read at all.
  case unreadableFile(path: String, reason: String)
  /// A file without a column the task needs.
  case missingColumn(path: String, column: ColumnReference, found: [String])
  /// A file with rows that cannot be used.
  case badRows(path: String, report: RowReport)
  /// A file without a single usable row.
  case emptyFile(path: String)
  /// A file that cannot be written.
  case unwritableFile(path: String, reason: String)

  /// The error of a header that names a column which is used more than once.
  package static func repeatedColumn(_ name: String, path: String) -> DatasetError {
    .unreadableFile(
      path: path, reason: "its header names the column \"\(name)\" more than once, expected each name once")
  }

  /// Finds the task error inside what a decoder threw, or describes the decoder's own complaint.
  public init(decoding error: any Error, path: String) {
    if let own = error as? DatasetError {
      self = own
      return
    }
    if case DecodingError.dataCorrupted(let context) = error,
      let own = context.underlyingError as? DatasetError
    {
      self = own
      return
    }
    self = .unreadableFile(path: path, reason: "\(error)")
  }
}

extension DatasetError: CustomStringConvertible {
  /// The message: where, what was found, what was expected, what to do.
  public var description: String {
    switch self {
    case .invalidTask(let name, let faults, let file):
      let title = name.isEmpty ? "The task definition" : "Task \"\(name)\""
      return
        "\(file.map { "\($0): " } ?? "")\(title) has \(faults.count) fault\(faults.count == 1 ? "" : "s"):\n"
        + faults.map { "  - \($0)" }.joined(separator: "\n")
    case .wrongKind(let task, let kind, let expected):
      return "Task \"\(task)\" is of kind \(kind), expected one of kind "
        + expected.joined(separator: ", ") + "; choose another task."
    case .unknownTask(let name, let searched, let known):
      let list = known.isEmpty ? "none" : known.joined(separator: ", ")
      return "No task \"\(name)\": found no \(name).yaml in \(searched.joined(separator: ", ")). "
        + "Known tasks: \(list). Give one of them, the path of a YAML file, or set POTSTILL_TASKS to a folder of recipes."
    case .missingSplit(let task, let split):
      return "Task \"\(task)\" names no file for the \(split) split; add "
        + (DataSplit(rawValue: split) == nil
          ? "\(split) to its extra_files." : "\(split)_file to its definition.")
    case .unreadableFile(let path, let reason):
      return "\(path): cannot be read: \(reason)"
    case .missingColumn(let path, let column, let found):
      return "\(path):1: no column \(column); the file has "
        + (found.isEmpty ? "none" : found.map { "\"\($0)\"" }.joined(separator: ", "))
        + ". Correct the column in the task definition, or its header and format settings."
    case .badRows(let path, let report):
      return report.message(path: path)
    case .emptyFile(let path):
      return "\(path): found no rows, expected at least one example."
    case .unwritableFile(let path, let reason):
      return "\(path): cannot be written: \(reason)"
    }
  }
}

/// One row that cannot be used, and why.
public struct RowFault: Error, Sendable, Hashable, CustomStringConvertible {
  /// The line on which the row starts, counted from 1; 0 where `place` says more.
  public let line: Int
  /// The way to the value in a file that is one JSON document, such as `data[0].paragraphs[2].qas[1]`.
  public let place: String?
  /// The finding.
  public let found: String
  /// The expectation that the finding does not meet.
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

/// Report of a reading: how many rows of a file were read, which could not be used and which had to be repaired.
public struct RowReport: Sendable, Hashable {
  /// The rows (sentences, questions) of the file, the header and blank lines not counted.
  public var rowCount = 0
  /// The first rows that cannot be used, at most 1,000, in the order of the file.
  public private(set) var faults: [RowFault] = []
  /// The number of rows that cannot be used.
  public private(set) var faultCount = 0
  /// The first repairs, at most 1,000, of rows that are wrong but have one plain meaning, in the order of the file; the rows are
  /// used.
  public private(set) var repairs: [RowRepair] = []
  /// The number of repairs.
  public private(set) var repairCount = 0

  /// The most faults, and repairs, that are kept: a file of another form has one in each of its millions of rows.
  private static let keptCount = 1000

  /// A report of nothing yet.
  public init() {}

  /// Adds a row that cannot be used.
  package mutating func add(_ fault: RowFault) {
    faultCount += 1
    if faults.count < Self.keptCount { faults.append(fault) }
  }

  /// Adds repairs.
  package mutating func add(_ more: [RowRepair]) {
    repairCount += more.count
    repairs += more.prefix(max(0, Self.keptCount - repairs.count))
  }

  /// The message that lists the first faults, each with its file and line.
  public func message(path: String, showing limit: Int = 8) -> String {
    var lines = ["\(path): \(faultCount) of \(rowCount) rows cannot be used:"]
    lines += Self.list(faults.map { Self.mark(path, $0.line, $0.place) + ": \($0)" }, limit, of: faultCount)
    lines.append("Correct them, or leave bad rows out with --skip-bad-rows.")
    return lines.joined(separator: "\n")
  }

  /// Lines that show the first rows that cannot be used and the first repairs, each with its file and line.
  func excerpt(path: String, showing limit: Int = 3) -> [String] {
    Self.list(faults.map { Self.mark(path, $0.line, $0.place) + ": \($0)" }, limit, of: faultCount)
      + Self.list(repairs.map { Self.mark(path, $0.line, $0.place) + ": \($0)" }, limit, of: repairCount)
  }

  private static func list(_ items: [String], _ limit: Int, of count: Int) -> [String] {
    let lines = items.prefix(limit).map { "  " + $0 }
    return count > lines.count ? lines + ["  ... and \(count - lines.count) more"] : lines
  }

  private static func mark(_ path: String, _ line: Int, _ place: String?) -> String {
    place.map { "\(path), \($0)" } ?? "\(path):\(line)"
  }
}

/// Repair of a row: what was wrong, and what was made of it; the row is used.
public struct RowRepair: Sendable, Hashable, CustomStringConvertible {
  /// The line, counted from 1; 0 where `place` says more.
  public let line: Int
  /// The way to the value in a file that is one JSON document, such as `data[0].paragraphs[2].qas[1]`.
  public let place: String?
  /// The finding.
  public let found: String
  /// The remedy: what was made of the row.
  public let remedy: String

  init(line: Int = 0, place: String? = nil, found: String, remedy: String) {
    self.line = line
    self.place = place
    self.found = found
    self.remedy = remedy
  }

  /// The repair without the name of its file.
  public var description: String { "found \(found); \(remedy)" }
}
