import Foundation
import ModelFormats

/// The lines of a text file, read and decompressed piece by piece; blank lines are passed over, a byte-order mark and CRLF are not text.
///
/// Only LF ends a line, as in the other readers.
public struct TextLines: Sequence, IteratorProtocol {
  /// The file.
  public let path: String
  /// The lines so far, blank ones not counted, and those that are not UTF-8.
  public private(set) var report = RowReport()

  /// The reason why the file could not be read to its end, such as a compressed one that is cut off; also a fault of the report.
  package private(set) var failure: String?

  private let file: ByteStream
  private var buffer: [UInt8] = []
  private var place = 0
  private var line = 0
  private var isAtEnd = false

  private static let chunk = 1 << 16

  /// Opens a file; throws `DatasetError.unreadableFile`.
  public init(path: String) throws(DatasetError) {
    do throws(FormatError) { file = try ByteStream(path: path) } catch {
      guard case .cannotRead(_, let reason) = error, FileManager.default.fileExists(atPath: path) else {
        throw .unreadableFile(path: path, reason: "no such file, or the system denies access")
      }
      throw .unreadableFile(path: path, reason: reason)
    }
    self.path = path
  }

  /// The next line that is not blank, nil at the end of the file; lines that are not UTF-8 go into the report.
  public mutating func next() -> String? {
    while let bytes = nextLine() {
      guard let text = String(validating: bytes, as: UTF8.self) else {
        report.rowCount += 1
        report.add(DelimitedRows.notUTF8(line))
        continue
      }
      if text.allSatisfy(\.isWhitespace) { continue }
      report.rowCount += 1
      if line == 1, isAtEnd, FileContents.lineEndFault(bytes) != nil {
        report.add(
          RowFault(line: line, found: "lines that end in carriage returns alone", expected: "line feeds"))
        continue
      }
      return text
    }
    return nil
  }

  private mutating func nextLine() -> ArraySlice<UInt8>? {
    var searched = place
    while true {
      if let end = buffer[searched...].firstIndex(of: DelimitedRows.newline) {
        defer { place = end + 1 }
        return finish(buffer[place..<end])
      }
      if isAtEnd {
        if place == buffer.count { return nil }
        defer { place = buffer.count }
        return finish(buffer[place...])
      }
      buffer.removeFirst(place)
      place = 0
      searched = buffer.count
      do throws(FormatError) {
        let piece = try file.next(upTo: Self.chunk)
        isAtEnd = piece.isEmpty
        buffer += piece
      } catch {
        isAtEnd = true
        let reason = if case .cannotRead(_, let reason) = error { reason } else { "\(error)" }
        failure = reason
        report.add(
          RowFault(line: line + 1, found: "an error (\(reason))", expected: "more text"))
      }
    }
  }

  private mutating func finish(_ bytes: ArraySlice<UInt8>) -> ArraySlice<UInt8> {
    line += 1
    var bytes = bytes
    if line == 1 && bytes.starts(with: [0xEF, 0xBB, 0xBF]) { bytes = bytes.dropFirst(3) }
    if bytes.last == DelimitedRows.carriageReturn { bytes = bytes.dropLast() }
    return bytes
  }
}
