import Datasets
import Foundation
import ModelFormats

/// Reader of JSON lines of a run folder, piece by piece.
struct RowReader {
  /// Line of a file.
  struct Line {
    /// The file.
    let path: String
    /// The number, counted from 1.
    let number: Int
    /// The members.
    let object: JSONObject

    /// The error of a line that is not as expected.
    func fault(_ field: String, _ reason: String) -> FormatError {
      .field(file: "\(path):\(number)", path: field, reason: reason)
    }

    /// A text that must be there.
    func text(_ key: String) throws(FormatError) -> String {
      guard let text = object[key]?.stringValue else {
        throw fault(key, "found \(object[key]?.kind ?? "nothing"), expected a string")
      }
      return text
    }

    /// A probability, where there is one.
    func probability(_ key: String) throws(FormatError) -> Double? {
      guard let value = object[key], !value.isNull else { return nil }
      guard let number = value.doubleValue, (0...1).contains(number) else {
        throw fault(key, "found \(value.compactText), expected a number from 0 to 1")
      }
      return number
    }

    /// Texts, where there are some.
    func texts(_ key: String) throws(FormatError) -> [String]? {
      guard let value = object[key], !value.isNull else { return nil }
      guard let list = value.arrayValue else {
        throw fault(key, "found \(value.kind), expected a list of strings")
      }
      let texts = list.compactMap(\.stringValue)
      guard texts.count == list.count else { throw fault(key, "expected a list of strings alone") }
      return texts
    }
  }

  private let url: URL

  /// A reader of a file.
  init(_ url: URL) { self.url = url }

  /// Calls `body` with each line in order.
  ///
  /// - Throws: `FormatError` with file and line, and what `body` throws.
  func forEach(_ body: (Line) throws -> Void) throws {
    // A pipe or a device of that name would never end.
    _ = try FileReader(path: url.path)
    let stream = RecordStream(try ByteStream(path: url.path), format: .jsonl)
    while true {
      let record: Record?
      do { record = try stream.next() } catch let fault as RowFault {
        throw FormatError.field(
          file: "\(url.path):\(fault.line)", path: "(the line)",
          reason: "found \(fault.found), expected \(fault.expected)")
      }
      guard let record else { return }
      guard case .object(let object) = record.content else { continue }
      try body(Line(path: url.path, number: record.line, object: object))
    }
  }
}
