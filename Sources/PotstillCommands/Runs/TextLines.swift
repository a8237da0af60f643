import Foundation
import ModelFormats

/// Texts to answer: from the command line, a file or standard input.
struct TextLines {
  /// One text or pair.
  struct Item {
    /// The text.
    let text: String
    /// The second text of a pair.
    let pair: String?
    /// What it was read from; nil for the command line.
    var source: String?
    /// Its line there, or its place among the texts of the command line, counted from 1.
    var number = 1

    /// Where it stands, for messages.
    var place: String { source.map { "\($0):\(number)" } ?? "text \(number) of the command line" }
  }

  /// Where the texts come from, for messages.
  private let source: String

  /// Reads everything there is.
  ///
  /// - Parameters:
  ///   - texts: What stood on the command line; wins over the rest.
  ///   - file: A file, one text a line (JSON objects when its name ends in .jsonl); nil for standard input, where
  ///     lines that are JSON objects are read as such, and any other is a text, whatever it begins with.
  static func read(_ texts: [String], file: String?, console: Console) throws -> [Item] {
    if !texts.isEmpty {
      return texts.enumerated().map { Item(text: $1, pair: nil, number: $0 + 1) }
    }
    guard let file else {
      if console.inputIsTerminal { console.note("reading standard input, one text a line; end with Ctrl-D") }
      var items: [Item] = []
      let lines = TextLines(source: "standard input")
      while var line = console.input() {
        if items.isEmpty, line.unicodeScalars.first == "\u{FEFF}" { line.unicodeScalars.removeFirst() }
        let isJSON = line.hasPrefix("{") && (try? JSONValue(parsing: line))?.objectValue != nil
        items.append(try lines.item(line, number: items.count + 1, isJSON: isJSON))
      }
      return items
    }
    let data: Data
    do { data = try FileContents.read(file, waitsForPipes: true) } catch {
      guard case .cannotRead(_, let reason) = error, FileManager.default.fileExists(atPath: file) else {
        throw CommandError("--input \(file): no such file, or it cannot be read")
      }
      throw CommandError("--input \(file): \(reason)")
    }
    if let fault = FileContents.lineEndFault(data) { throw CommandError("--input \(file): \(fault)") }
    let lines = TextLines(source: file)
    let isJSON = file.hasSuffix(".jsonl")
    return try lines.split(data).enumerated().map { index, bytes in
      guard let line = String(validating: bytes, as: UTF8.self) else {
        throw CommandError("\(file):\(index + 1): found bytes that are not UTF-8; convert the file to UTF-8")
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
    func item(_ text: String, _ pair: String?) -> Item {
      Item(text: text, pair: pair, source: source, number: number)
    }
    guard isJSON else { return item(line, nil) }
    let object = try JSONValue(parsing: line, file: "\(source):\(number)")
    if let question = object["question"]?.stringValue, let context = object["context"]?.stringValue {
      return item(question, context)
    }
    guard let text = object["text"]?.stringValue else {
      throw CommandError(
        "\(source):\(number): found no \"text\"; expected {\"text\": …}, {\"text\": …, \"text_pair\": …} or "
          + "{\"question\": …, \"context\": …}")
    }
    return item(text, object["text_pair"]?.stringValue)
  }
}
