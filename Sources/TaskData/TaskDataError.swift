/// What can go wrong between a recipe, its files and the examples they hold.
public enum TaskDataError: Error, Sendable, Equatable {
  /// A definition with faults, all of them.
  case invalidTask(name: String, faults: [String])
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

  /// Finds the task error inside what a decoder threw, or describes the decoder's own complaint.
  public init(decoding error: any Error, path: String) {
    if let own = error as? TaskDataError {
      self = own
      return
    }
    if case DecodingError.dataCorrupted(let context) = error,
      let own = context.underlyingError as? TaskDataError
    {
      self = own
      return
    }
    self = .unreadableFile(path: path, reason: "\(error)")
  }
}

extension TaskDataError: CustomStringConvertible {
  /// The message: where, what was found, what was expected, what to do.
  public var description: String {
    switch self {
    case .invalidTask(let name, let faults):
      let title = name.isEmpty ? "The task definition" : "Task \"\(name)\""
      return "\(title) has \(faults.count) fault\(faults.count == 1 ? "" : "s"):\n"
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
