import Foundation
import ModelFormats

/// Piece of a file of rows: whole lines, or a whole document.
package struct RowPiece: Sendable {
  /// The bytes, without a byte-order mark.
  package let bytes: ArraySlice<UInt8>
  /// The line on which they begin, counted from 1.
  let line: Int
  /// Whether nothing follows.
  let isLast: Bool

  /// The piece that is a whole file.
  package init(whole bytes: [UInt8]) {
    self.init(bytes: DelimitedRows.skippingMark(bytes), line: 1, isLast: true)
  }

  init(bytes: ArraySlice<UInt8>, line: Int, isLast: Bool) {
    (self.bytes, self.line, self.isLast) = (bytes, line, isLast)
  }
}

/// Parser of rows of one kind, to which a file is given piece by piece; what it gives does not depend on the pieces.
package protocol RowParser<Row> {
  /// A row.
  associatedtype Row: Sendable & Hashable

  /// Adds the rows of a piece to those before.
  ///
  /// - Returns: The end of the piece that is no whole row yet, and the line on which it begins; the next piece starts with it.
  mutating func read(
    _ piece: RowPiece, into dataset: inout Dataset<Row>
  ) throws(DatasetError) -> RowPiece?
  /// Adds what the last piece left open, and numbers rows as the file does where `dataset` holds all of them.
  mutating func finish(_ dataset: inout Dataset<Row>) throws(DatasetError)
}

extension RowParser {
  /// The rows of a whole file.
  package mutating func rows(of bytes: [UInt8], path: String) throws(DatasetError) -> Dataset<Row> {
    var dataset = Dataset<Row>(path: path, examples: [])
    _ = try read(RowPiece(whole: bytes), into: &dataset)
    try finish(&dataset)
    return dataset
  }
}

/// Pieces of a file of rows that is larger than memory, decompressed as they are read.
///
/// A file that is one JSON document comes in one piece.
package struct RowPieces {
  /// The bytes that a piece has about.
  package static let usualSize = 8 << 20

  private let source: ByteStream
  private let isDocument: Bool
  private let size: Int
  private var rest: [UInt8] = []
  private var line = 1
  private var isFirst = true
  private var hasEnded = false

  /// The pieces of a file.
  ///
  /// - Throws: `FormatError.cannotRead`.
  package init(path: String, format: DataFormat, size: Int = usualSize) throws(FormatError) {
    source = try ByteStream(path: path)
    isDocument = format == .json || format == .squad
    self.size = size
  }

  /// The next piece; nil behind the last.
  ///
  /// - Parameter unread: What the parser has left of the piece before.
  /// - Throws: `FormatError.cannotRead`, also for a line too long for any row, and for lines that end in carriage returns alone.
  package mutating func next(after unread: RowPiece?) throws(FormatError) -> RowPiece? {
    if hasEnded { return nil }
    var bytes: [UInt8] = []
    if let unread {
      bytes = Array(unread.bytes)
      line = unread.line
    }
    let before = bytes.count
    bytes += rest
    rest = []
    var end = isDocument ? nil : bytes.lastIndex(of: DelimitedRows.newline)
    while isDocument || bytes.count < before + size || (end ?? -1) < before {
      let piece = try source.next(upTo: min(size, 1 << 18))
      if piece.isEmpty {
        hasEnded = true
        break
      }
      let start = bytes.count
      bytes += piece
      if isDocument { continue }
      end = bytes[start...].lastIndex(of: DelimitedRows.newline) ?? end
      guard bytes.count - before <= Self.longestLine || end != nil else {
        throw .cannotRead(
          file: source.path, reason: "line \(line) has more than \(Self.longestLine) bytes, expected rows")
      }
    }
    if isFirst, !isDocument, let fault = FileContents.lineEndFault(bytes) {
      throw .cannotRead(file: source.path, reason: fault)
    }
    if !hasEnded, let end, end + 1 < bytes.count {
      rest = Array(bytes[(end + 1)...])
      bytes.removeLast(rest.count)
    }
    let content = isFirst ? DelimitedRows.skippingMark(bytes) : bytes[...]
    isFirst = false
    let first = line
    line += content.count { $0 == DelimitedRows.newline }
    return RowPiece(bytes: content, line: first, isLast: hasEnded)
  }

  private static let longestLine = 1 << 26
}
