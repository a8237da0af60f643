import Foundation
import ModelFormats

/// The lines of a UTF-8 file; they end at a line feed and nowhere else, so that their numbers are those of other tools.
struct LineFile {
  /// The path, for messages.
  let path: String
  /// The lines without their ends; a byte-order mark and the empty piece behind the last line feed are left out.
  let lines: [Substring]

  /// Reads a file whole.
  init(_ path: String) throws {
    self.path = path
    let data = try FileContents.read(path, waitsForPipes: true)
    if let fault = FileContents.lineEndFault(data) { throw TaskError("\(path): \(fault)") }
    guard let text = String(validating: data, as: UTF8.self) else {
      throw TaskError("\(path): found bytes that are not UTF-8; convert the file to UTF-8")
    }
    // By bytes: for Swift a carriage return and a line feed are one character.
    var lines = text.utf8.split(separator: 0x0A, omittingEmptySubsequences: false).map { line in
      Substring(line.last == 0x0D ? line.dropLast() : line)
    }
    if lines.last?.isEmpty == true { lines.removeLast() }
    if let first = lines.first, first.unicodeScalars.first == "\u{FEFF}" {
      lines[0] = Substring(first.unicodeScalars.dropFirst())
    }
    self.lines = lines
  }

  /// An error at a line, counted from 0 here and from 1 in the message.
  func fault(_ index: Int, _ reason: String) -> TaskError {
    TaskError("\(path):\(index + 1): \(reason)")
  }
}
