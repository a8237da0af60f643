import Foundation
import ModelFormats

/// Texts to answer: given ones, those of a file, or lines that come in.
public struct InputTexts {
  /// One text or pair.
  public struct Item: Sendable {
    /// The text.
    public let text: String
    /// The second text of a pair.
    public let pair: String?
    /// File that it was read from; nil for the command line.
    public internal(set) var source: String?
    /// Line there, or place among the texts of the command line, counted from 1.
    public internal(set) var number = 1

    /// Place of the text, for messages.
    public var place: String { source.map { "\($0):\(number)" } ?? "text \(number) of the command line" }
  }

  /// Origin of the texts, for messages.
  private let source: String

  /// Reads all texts.
  ///
  /// - Parameters:
  ///   - texts: What stood on the command line; wins over the rest.
  ///   - file: A file, one text a line (JSON objects when its name ends in .jsonl); nil for standard input, where
  ///     lines that are JSON objects are read as such, and any other is a text, whatever it begins with.
  ///   - lines: Lines that come in where there is neither.
  /// - Throws: `InputTextError` with file and line; `FormatError` for a line of JSON that is none.
  public static func read(
    _ texts: [String], file: String?, lines next: () -> String? = { nil }
  ) throws -> [Item] {
    if !texts.isEmpty {
      return texts.enumerated().map { Item(text: $1, pair: nil, number: $0 + 1) }
    }
    guard let file else {
      var items: [Item] = []
      let lines = InputTexts(source: "standard input")
      while var line = next() {
        if items.isEmpty, line.unicodeScalars.first == "\u{FEFF}" { line.unicodeScalars.removeFirst() }
        let isJSON = line.hasPrefix("{") && (try? JSONValue(parsing: line))?.objectValue != nil
        items.append(try lines.item(line, number: items.count + 1, isJSON: isJSON))
      }
      return items
    }
    let data: Data
    do { data = try FileContents.read(file, waitsForPipes: true) } catch {
      guard case .cannotRead(_, let reason) = error, FileManager.default.fileExists(atPath: file) else {
        throw InputTextError("--input \(file): no such file, or it cannot be read")
      }
      throw InputTextError("--input \(file): \(reason)")
    }
    if let fault = FileContents.lineEndFault(data) { throw InputTextError("--input \(file): \(fault)") }
    let lines = InputTexts(source: file)
    let isJSON = file.hasSuffix(".jsonl")
    return try lines.split(data).enumerated().map { index, bytes in
      guard let line = String(validating: bytes, as: UTF8.self) else {
        throw InputTextError(
          "\(file):\(index + 1): found bytes that are not UTF-8; convert the file to UTF-8")
      }
      return try lines.item(line, number: index + 1, isJSON: isJSON)
    }
  }

  /// Lines end at a line feed and nowhere else, so that their numbers and offsets are those of other tools.
  private func split(_ data: Data) -> [Data] {
    var lines = data.split(separator: 0x0A, omittingEmptySubsequences: false)
    if lines.last?.isEmpty == true { lines.removeLast() }
    return lines.map { $0.last == 0x0D ? $0.dropLast() : $0 }
  }

  private func item(_ line: String, number: Int, isJSON: Bool) throws -> Item {
    func item(_ text: String, _ pair: String?) throws -> Item {
      for value in [text, pair ?? ""] where value.utf8.count > ExampleBuilder.longestText {
        throw InputTextError(
          "\(source):\(number): found a text of \(value.utf8.count) bytes, expected at most "
            + "\(ExampleBuilder.longestText); cut it into lines")
      }
      return Item(text: text, pair: pair, source: source, number: number)
    }
    guard isJSON else { return try item(line, nil) }
    let object = try JSONValue(parsingLine: line, number: number, of: source)
    if let question = object["question"]?.stringValue, let context = object["context"]?.stringValue {
      return try item(question, context)
    }
    guard let text = object["text"]?.stringValue else {
      throw InputTextError(
        "\(source):\(number): found no \"text\"; expected {\"text\": …}, {\"text\": …, \"text_pair\": …} or "
          + "{\"question\": …, \"context\": …}")
    }
    return try item(text, object["text_pair"]?.stringValue)
  }
}

/// Error of texts that cannot be read: file and line, what was found, what was expected.
public struct InputTextError: Error, CustomStringConvertible {
  /// The message.
  public let description: String

  init(_ description: String) { self.description = description }
}
