import Foundation

/// The lines of several text files, one file after the other, read piece by piece.
///
/// Reading stops at the first line that cannot be used, unless bad rows are skipped; `finish()` says so.
public struct TextFiles: Sequence, IteratorProtocol {
  /// The files in order.
  public let paths: [String]
  /// The size of all files in bytes.
  public let byteCount: Int
  /// The bytes of the lines so far, line ends included; blank lines are not counted.
  public private(set) var bytesRead = 0
  /// The lines so far, blank ones not counted.
  public private(set) var lineCount = 0
  /// The lines that could not be used.
  public private(set) var faultCount = 0
  private let badRows: BadRowPolicy
  private var file: TextLines?
  private var nextFile = 0
  private var failure: TaskDataError?

  /// The lines of some files; throws `TaskDataError.unreadableFile` for the first that is missing.
  public init(paths: [String], badRows: BadRowPolicy = .fail) throws(TaskDataError) {
    var total = 0
    for path in paths {
      _ = try TextLines(path: path)
      let attributes = try? FileManager.default.attributesOfItem(atPath: path)
      total += (attributes?[.size] as? NSNumber)?.intValue ?? 0
    }
    self.paths = paths
    self.badRows = badRows
    byteCount = total
  }

  /// The next line that is not blank, nil behind the last.
  public mutating func next() -> String? {
    while failure == nil {
      if let line = file?.next() {
        if badRows == .fail, file?.report.faults.isEmpty == false { break }
        bytesRead += line.utf8.count + 1
        return line
      }
      endFile()
      guard failure == nil, nextFile < paths.count else { return nil }
      do throws(TaskDataError) { file = try TextLines(path: paths[nextFile]) } catch { failure = error }
      nextFile += 1
    }
    endFile()
    return nil
  }

  /// Throws what stopped the reading: a file that went away, or `badRows`; `emptyFile` when no file had a line.
  public mutating func finish() throws(TaskDataError) {
    endFile()
    if let failure { throw failure }
    if lineCount - faultCount == 0 { throw .emptyFile(path: paths.joined(separator: ", ")) }
  }

  private mutating func endFile() {
    guard let file else { return }
    lineCount += file.report.rowCount
    faultCount += file.report.faults.count
    if badRows == .fail, !file.report.faults.isEmpty, failure == nil {
      failure = .badRows(path: file.path, report: file.report)
    }
    self.file = nil
  }
}
