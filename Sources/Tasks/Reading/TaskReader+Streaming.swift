package import Datasets
import Foundation
import ModelFormats

extension TaskReader {
  /// Reads one split block by block, for files larger than memory: no more than a piece of the file is kept.
  ///
  /// The rows are those that `readExamples` gives, in the same order, but without the numbers of a file's own column `index`.
  ///
  /// - Parameters:
  ///   - progress: Told of the rows so far after each piece.
  ///   - body: Takes the rows of a block.
  /// - Returns: A note for people: how many rows there are, and what was left out or repaired.
  /// - Throws: As `read`, and what `body` throws.
  package func forEachBlock(
    _ split: DataSplit, progress: (_ rows: Int) -> Void = { _ in }, _ body: (TaskExamples) throws -> Void
  ) throws -> String {
    try task.kind.family.stream(split, by: self, progress: progress, body)
  }

  /// Reads the rows of a split piece by piece, as the examples of a kind of task.
  ///
  /// - Returns: As `forEachBlock`.
  func stream<Parser: RowParser>(
    _ split: DataSplit, _ parser: (String, RowLayout) -> Parser, as examples: ([Parser.Row]) -> TaskExamples,
    progress: (_ rows: Int) -> Void, _ body: (TaskExamples) throws -> Void
  ) throws -> String where Parser.Row: HeldOutRow {
    let (dataset, count) = try stream(split, parser, progress: progress) { try body(examples($0)) }
    return dataset.note(of: count)
  }

  /// The first rows of a file too large for memory, or all of a smaller one and of a document.
  static func look(_ path: String) throws -> (bytes: [UInt8], isWhole: Bool) {
    guard RowStorage.size(of: path) > RowStorage().memoryLimit else { return (try bytes(path), true) }
    var rows: [UInt8] = []
    try naming(path) {
      var pieces = try RowPieces(path: path, format: .text, size: mostLookedAt)
      rows = Array(try pieces.next(after: nil)?.bytes ?? [])
    }
    switch DataFormat.detected(path: path, bytes: rows) {
    case .json, .squad: return (try bytes(path), true)
    case .tsv, .csv, .jsonl, .text, .conll: return (rows, false)
    }
  }

  private static let mostLookedAt = 16 << 20

  /// The path of a split's file, which can be read.
  ///
  /// - Throws: `DatasetError` when the task names none.
  package func streamedPath(_ split: DataSplit) throws(DatasetError) -> String {
    path(of: try file(split, nil))
  }

  /// The part of the settings that decides which rows a split has and how they are understood.
  package func identity(of split: DataSplit) throws -> String {
    var task = task
    // Files beside that of the split do not matter, nor does how a model learns from it.
    (task.testFile, task.extraFiles, task.defaults, task.metrics) = (nil, [:], TaskDefaults(), [])
    if split == .train { task.unlabelledFile = nil } else { task.trainFile = nil }
    if task.heldOut == nil { task.validationFile = nil }
    let encoder = JSONEncoder()
    encoder.outputFormatting = .sortedKeys
    return [
      split.rawValue, badRows.rawValue, String(decoding: try encoder.encode(task), as: UTF8.self),
    ].joined(separator: "\n")
  }

  /// Reads the rows of a file piece by piece.
  ///
  /// - Returns: The data set without its rows, and how many there were.
  @discardableResult
  func stream<Parser: RowParser>(
    _ split: DataSplit, _ parser: (String, RowLayout) -> Parser, progress: (_ rows: Int) -> Void = { _ in },
    _ body: ([Parser.Row]) throws -> Void
  ) throws -> (dataset: Dataset<Parser.Row>, count: Int) where Parser.Row: HeldOutRow {
    let file = try file(split, nil)
    let (path, layout) = (path(of: file), task.layout(of: file))
    let drawn = try heldOut(split, parser)
    var dataset = Dataset<Parser.Row>(path: path, examples: [])
    var (rowCount, count, seen) = (0, 0, 0)
    var rows = parser(path, layout)
    func hand() throws {
      progress(dataset.report.rowCount)
      seen += dataset.examples.count
      var block = dataset.examples
      if let drawn {
        block = block.enumerated().compactMap { offset, row in
          drawn[rowCount + offset] == (split == .validation) ? row : nil
        }
      }
      rowCount = seen
      count += block.count
      dataset.examples.removeAll(keepingCapacity: true)
      // Faults are all listed, but what comes to nothing need not be made.
      guard badRows == .skip || dataset.report.faults.isEmpty else { return }
      for start in stride(from: 0, to: block.count, by: Self.rowsPerBlock) {
        try body(Array(block[start..<min(block.count, start + Self.rowsPerBlock)]))
      }
    }
    try Self.naming(path) {
      var pieces = try RowPieces(path: path, format: layout.format)
      var unread: RowPiece?
      while let piece = try pieces.next(after: unread) {
        unread = try rows.read(piece, into: &dataset)
        try hand()
      }
      try rows.finish(&dataset)
      try hand()
    }
    if badRows == .fail, !dataset.report.faults.isEmpty {
      throw DatasetError.badRows(path: path, report: dataset.report)
    }
    guard seen > 0 else { throw DatasetError.emptyFile(path: path) }
    if let drawn, let share = task.heldOut {
      let other = drawn.count { $0 == (split != .validation) }
      if count == 0 { throw Self.nothingHeldOut(path) }
      dataset.part = share.note(split, all: drawn.count, other: other)
    }
    return (dataset, count)
  }

  /// The rows of a block: enough for every core, and little beside a piece of the file.
  private static let rowsPerBlock = 8192

  /// Whether each row of a file is held out of training; nil where none is.
  private func heldOut<Parser: RowParser>(
    _ split: DataSplit, _ parser: (String, RowLayout) -> Parser
  ) throws -> [Bool]? where Parser.Row: HeldOutRow {
    guard holdsOut, let share = task.heldOut, split == .train || split == .validation else { return nil }
    var whole = task
    (whole.heldOut, whole.validationFile) = (nil, nil)
    var (units, strata): ([String?], [String]) = ([], [])
    try TaskReader(task: whole, folder: folder, badRows: badRows).stream(.train, parser) { rows in
      units += rows.map(\.unit)
      strata += rows.map(\.stratum)
    }
    return share.drawn(units: units, strata: strata)
  }

  /// Does something with a file, whose errors become those of data sets.
  private static func naming(_ path: String, _ body: () throws -> Void) throws {
    do { try body() } catch FormatError.cannotRead(let file, let reason) where file == path {
      throw DatasetError.unreadableFile(
        path: path, reason: FileManager.default.fileExists(atPath: path) ? reason : Self.reason(path))
    }
  }
}
