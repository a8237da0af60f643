public import Foundation
import ModelFormats
import Tokenization

/// Source of a corpus: its texts, and how they become sequences.
public struct CorpusSource: Sendable, Hashable {
  /// The text files, read one after the other.
  public var paths: [String]
  /// The largest number of tokens of a sequence, special tokens included.
  public var maxLength: Int
  /// Whether each line is a sequence of its own, rather than lines packed end to end.
  public var isLineByLine: Bool
  /// The number of sequences to take at most; nil takes all.
  public var limit: Int?
  /// The policy for lines that are not UTF-8.
  public var badRows: BadRowPolicy

  /// Texts with the usual settings.
  public init(
    paths: [String], maxLength: Int = 128, isLineByLine: Bool = false, limit: Int? = nil,
    badRows: BadRowPolicy = .fail
  ) {
    self.paths = paths
    self.maxLength = maxLength
    self.isLineByLine = isLineByLine
    self.limit = limit
    self.badRows = badRows
  }

  /// A number that changes with anything the corpus depends on: the settings; path, size and time of change of each
  /// text file; and the tokenizer's files, byte by byte.
  ///
  /// - Parameter tokenizer: The folder of the tokenizer.
  public func fingerprint(tokenizer: URL) -> UInt64 {
    var hash = FNV1a()
    hash.add(
      part: Array(
        "potstill corpus 1, \(maxLength), \(isLineByLine), \(limit ?? -1), \(badRows.rawValue)".utf8))
    for path in paths {
      let url = URL(filePath: path).standardizedFileURL
      let attributes = try? FileManager.default.attributesOfItem(atPath: url.path)
      let size = (attributes?[.size] as? NSNumber)?.intValue ?? -1
      let changed = (attributes?[.modificationDate] as? Date)?.timeIntervalSince1970 ?? 0
      hash.add(part: Array("\(url.path), \(size), \(changed.bitPattern)".utf8))
    }
    let names = ["tokenizer.json", "tokenizer_config.json", "vocab.txt", "vocab.json", "merges.txt"]
    for name in names + sentencePieceFileNames {
      guard let data = try? Data(contentsOf: tokenizer.appending(path: name)) else { continue }
      hash.add(part: Array("\(name), \(data.count)".utf8))
      hash.add(part: Array(data))
    }
    return hash.value
  }
}

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
  private var failure: DatasetError?

  /// The lines of some files; throws `DatasetError.unreadableFile` for the first that is missing.
  public init(paths: [String], badRows: BadRowPolicy = .fail) throws(DatasetError) {
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
      do throws(DatasetError) { file = try TextLines(path: paths[nextFile]) } catch { failure = error }
      nextFile += 1
    }
    endFile()
    return nil
  }

  /// Throws what stopped the reading: a file that went away, or `badRows`; `emptyFile` when no file had a line.
  public mutating func finish() throws(DatasetError) {
    endFile()
    if let failure { throw failure }
    if lineCount - faultCount == 0 { throw .emptyFile(path: paths.joined(separator: ", ")) }
  }

  private mutating func endFile() {
    guard let file else { return }
    lineCount += file.report.rowCount
    faultCount += file.report.faultCount
    if let reason = file.failure, failure == nil {
      failure = .unreadableFile(path: file.path, reason: reason)
    }
    if badRows == .fail, !file.report.faults.isEmpty, failure == nil {
      failure = .badRows(path: file.path, report: file.report)
    }
    self.file = nil
  }
}
