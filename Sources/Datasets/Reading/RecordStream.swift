import Foundation
import ModelFormats

/// Record of a stream of rows: its fields, with all that a row has beside its text.
package struct Record: Sendable {
  /// Content of a record.
  package enum Content: Sendable {
    /// A line of plain text.
    case text(String)
    /// The fields of a row of CSV or TSV.
    case fields([String])
    /// The members of a JSON object.
    case object(JSONObject)
  }

  /// The line where it begins, counted from 1.
  package let line: Int
  /// The content.
  package let content: Content
}

/// Stream of the rows of a file or of standard input, read piece by piece: a row is there as soon as its line is.
package final class RecordStream {
  /// The file, for messages.
  package let path: String
  /// The format of the rows.
  package let format: DataFormat
  /// The first row where it names the columns; empty where there is none.
  package private(set) var names: [String] = []

  private let source: ByteStream
  private var buffer: [UInt8]
  private var start = 0
  /// The end of the lines that are whole.
  private var complete = 0
  private var line = 1
  private var hasEnded = false

  /// A stream that begins with bytes which were read already.
  ///
  /// - Parameter read: The bytes that came first.
  package init(_ source: ByteStream, format: DataFormat, read: [UInt8] = []) {
    precondition(
      ![.conll, .squad, .json].contains(format),
      "Files of \(format.rawValue) are documents, not streams of rows.")
    (self.source, self.format, buffer) = (source, format, read)
    path = source.path
    if buffer.starts(with: [0xEF, 0xBB, 0xBF]) { start = 3 }
    complete = (buffer.lastIndex(of: DelimitedRows.newline) ?? -1) + 1
  }

  /// Takes the first row as the names of the columns.
  package func takeHeader() throws {
    guard let first = try next(), case .fields(let fields) = first.content else { return }
    names = fields
  }

  /// Whether a row can be given without waiting for more to be read.
  package var hasRow: Bool { start < complete }

  /// The next row, nil at the end; blank lines are left out.
  ///
  /// - Throws: `RowFault` for a row that cannot be read, behind which reading goes on; `FormatError` when nothing can be.
  package func next() throws -> Record? {
    while true {
      while start >= complete && !hasEnded { try fill() }
      guard start < complete else { return nil }
      let record = format == .csv ? try quotedRow() : try wholeLine()
      if let record { return record }
    }
  }

  /// Reads on; at the end what is left is a line too.
  private func fill() throws {
    let piece = try source.next()
    if start > 0 {
      buffer.removeSubrange(..<start)
      (complete, start) = (complete - start, 0)
    }
    if piece.isEmpty {
      hasEnded = true
      complete = buffer.count
      return
    }
    if line == 1, buffer.isEmpty, piece.starts(with: [0xEF, 0xBB, 0xBF]) {
      buffer = Array(piece.dropFirst(3))
    } else {
      buffer += piece
    }
    if let end = buffer[complete...].lastIndex(of: DelimitedRows.newline) { complete = end + 1 }
    guard buffer.count - start <= Self.longestLine || complete > start else {
      throw FormatError.cannotRead(
        file: path, reason: "line \(line) has more than \(Self.longestLine) bytes, expected rows")
    }
  }

  private static let longestLine = 1 << 26

  private func wholeLine() throws -> Record? {
    let end = buffer[start..<complete].firstIndex(of: DelimitedRows.newline) ?? complete
    var content = buffer[start..<end]
    if content.last == DelimitedRows.carriageReturn { content = content.dropLast() }
    let number = line
    start = min(end + 1, complete)
    line += 1
    guard let text = DelimitedRows.text(content) else { throw DelimitedRows.notUTF8(number) }
    if format == .text { return Record(line: number, content: .text(text)) }
    if text.allSatisfy(\.isWhitespace), format == .jsonl || text.isEmpty { return nil }
    if format == .tsv {
      return Record(
        line: number,
        content: .fields(text.split(separator: "\t", omittingEmptySubsequences: false).map(String.init)))
    }
    return Record(line: number, content: .object(try JSONRows.object(number, Array(content)).get()))
  }

  /// Reads a row whose fields in quotes may hold line ends, of which the last may not have come yet.
  private func quotedRow() throws -> Record? {
    while true {
      var parser = CSVParser(bytes: buffer[start..<complete], line: line)
      guard let row = parser.nextRow() else { return nil }
      if parser.isUnfinished, !hasEnded, complete - start <= CSVParser.longestQuotedField {
        let before = complete
        while complete == before && !hasEnded { try fill() }
        continue
      }
      (start, line) = (parser.place, parser.line)
      if let fault = row.fault { throw fault }
      return row.fields == [""] ? nil : Record(line: row.line, content: .fields(row.fields))
    }
  }
}
