import Foundation
import ModelFormats
import TestSupport
import Yams

/// Row of the catalogue of broken inputs: files, a command line that reads them, and what it must say.
struct BrokenInput: Sendable {
  /// The file of `Tests/Catalogue` that it stands in, without its extension.
  let part: String
  /// The name of the row.
  let name: String
  /// The format that is broken, as `FuzzTarget` spells it; nil for an option or a command line.
  let format: String?
  private let copies: String?
  private let files: JSONObject
  private let run: [String]
  /// The parts of the message.
  let says: [String]
  /// The exit code.
  let code: Int32

  /// Reads a row.
  ///
  /// - Parameter usual: What its heading says of all rows: the command line, a model that is copied, and the file whose
  ///   content they give.
  init(_ row: JSONValue, name: String, part: String, format: String?, usual: JSONValue) throws {
    let line = row["run"] ?? usual["run"]
    guard let run = line?.arrayValue?.compactMap(\.stringValue) ?? line?.stringValue.map(Self.words),
      let says = row["says"]?.arrayValue?.map({ $0.stringValue ?? $0.compactText })
    else { throw CatalogueError("\(part): \(name) has no run or says nothing") }
    let keys: Set = ["run", "says", "files", "model", "exit", "content"]
    if let unknown = row.objectValue?.first(where: { !keys.contains($0.key) })?.key {
      throw CatalogueError("\(part): \(name) has the unknown key \(unknown)")
    }
    (self.name, self.part, self.format, self.run, self.says) = (name, part, format, run, says)
    copies = (row["model"] ?? usual["model"])?.stringValue
    var files = row["files"]?.objectValue ?? JSONObject()
    if let content = row["content"], let file = usual["file"]?.stringValue { files[file] = content }
    self.files = files
    code = Int32(row["exit"]?.intValue ?? 1)
  }

  private static func words(_ line: String) -> [String] { line.split(separator: " ").map(String.init) }

  /// Lays the files out and returns the command line.
  ///
  /// - Parameters:
  ///   - folder: A folder of the row's own.
  ///   - world: The folder of models and data that are good.
  func lay(out folder: URL, world: URL) throws -> [String] {
    let manager = FileManager.default
    func filled(_ text: String) -> String {
      text.replacing("{here}", with: folder.path).replacing("{world}", with: world.path)
    }
    if let copies {
      try manager.copyItem(at: world.appending(path: copies), to: folder)
    } else {
      try manager.createDirectory(at: folder, withIntermediateDirectories: true)
    }
    for (name, content) in files {
      let file = folder.appending(path: name)
      try manager.createDirectory(at: file.deletingLastPathComponent(), withIntermediateDirectories: true)
      if content.isNull {
        try? manager.removeItem(at: file)
      } else if let target = content["link"]?.stringValue {
        try? manager.removeItem(at: file)
        try manager.createSymbolicLink(atPath: file.path, withDestinationPath: filled(target))
      } else if content["pipe"] != nil {
        try? manager.removeItem(at: file)
        mkfifo(file.path, 0o600)
      } else if content["folder"] != nil {
        try? manager.removeItem(at: file)
        try manager.createDirectory(at: file, withIntermediateDirectories: true)
      } else {
        try Data(Self.made(content, world, filled)).write(to: file)
      }
    }
    return run.map(filled)
  }

  /// The bytes of a content: a text, what some keys make one after the other, or a list of both.
  private static func made(
    _ content: JSONValue, _ world: URL, _ filled: (String) -> String
  ) throws -> [UInt8] {
    if let text = content.stringValue { return Array(filled(text).utf8) }
    if let pieces = content.arrayValue { return try pieces.flatMap { try made($0, world, filled) } }
    var bytes: [UInt8] = []
    for (key, value) in content.objectValue ?? JSONObject() {
      switch key {
      case "from":
        // A golden file, or one of the world.
        let name = value.stringValue ?? ""
        let isGolden = name.hasPrefix("fixture:")
        bytes += try Data(
          contentsOf: isGolden ? Fixtures.url(String(name.dropFirst(8))) : world.appending(path: name))
      case "text": bytes += Array(filled(value.stringValue ?? "").utf8)
      case "hex": bytes += hex(value.stringValue ?? "")
      case "numbered":
        // [a text with #, how often]
        let text = value[0]?.stringValue ?? ""
        for number in 0..<(value[1]?.intValue ?? 0) {
          bytes += Array(text.replacing("#", with: "\(number)").utf8)
        }
      case "times":
        // [a text, how often]
        let text = Array((value[0]?.stringValue ?? "").utf8)
        bytes.reserveCapacity(bytes.count + text.count * (value[1]?.intValue ?? 0))
        for _ in 0..<(value[1]?.intValue ?? 0) { bytes += text }
      case "keep": bytes = Array(bytes.prefix(value.intValue ?? 0))
      case "drop": bytes = bytes.dropLast(value.intValue ?? 0)
      case "replace":
        // [found, put in its place], of one length where offsets must stay
        let (old, new) = (
          Array((value[0]?.stringValue ?? "").utf8), Array((value[1]?.stringValue ?? "").utf8)
        )
        guard let place = bytes.firstRange(of: old) else {
          throw CatalogueError("no \(value[0]?.stringValue ?? "") to replace")
        }
        bytes.replaceSubrange(place, with: new)
      case "put":
        // [offset, bytes in hexadecimal digits]
        let new = hex(value[1]?.stringValue ?? "")
        // From the end where it is negative.
        let offset = value[0]?.intValue ?? 0
        let place = offset < 0 ? bytes.count + offset : offset
        bytes.replaceSubrange(place..<place + new.count, with: new)
      case "header":
        // Of a safetensors file, behind its length.
        let text = Array((value.stringValue ?? "").utf8)
        bytes += (0..<8).map { UInt8(truncatingIfNeeded: text.count >> (8 * $0)) } + text
      case "zeros": bytes += [UInt8](repeating: 0, count: value.intValue ?? 0)
      case "pickle": bytes += StoredZip.pickle(escaped(value.stringValue ?? ""))
      case "zip":
        bytes += StoredZip.bytes(
          (value.arrayValue ?? []).map { ($0[0]?.stringValue ?? "", escaped($0[1]?.stringValue ?? "")) })
      default: throw CatalogueError("\(key) is no content of a file")
      }
    }
    return bytes
  }

  private static func hex(_ digits: String) -> [UInt8] {
    let digits = digits.filter { !$0.isWhitespace }.compactMap(\.hexDigitValue)
    return stride(from: 0, to: digits.count - 1, by: 2).map { UInt8(digits[$0] << 4 | digits[$0 + 1]) }
  }

  /// The bytes of Latin letters, so that `\x80` in a YAML text is that byte.
  private static func escaped(_ text: String) -> [UInt8] {
    text.unicodeScalars.map { UInt8(truncatingIfNeeded: $0.value) }
  }
}

/// Error of the catalogue itself.
struct CatalogueError: Error, CustomStringConvertible {
  let description: String
  init(_ description: String) { self.description = description }
}

/// The catalogue of broken inputs: the files of `Tests/Catalogue`.
enum Catalogue {
  private static let folder = Fixtures.directory.deletingLastPathComponent().appending(path: "Catalogue")

  /// The names of its files without their extension.
  static let parts: [String] = {
    let names = (try? FileManager.default.contentsOfDirectory(atPath: folder.path)) ?? []
    return names.filter { $0.hasSuffix(".yaml") }.map { String($0.dropLast(5)) }.sorted()
  }()

  /// The rows of a file, whose headings are the formats that they break.
  static func rows(_ part: String) throws -> [BrokenInput] {
    let path = folder.appending(path: part + ".yaml").path
    // Not by the reader of recipes, which the aliases in broken ones are too many for.
    let document = try Yams.compose(yaml: YAMLFile.text(path, expected: "a catalogue"))
    guard let formats = document.map({ JSONValue($0) })?.objectValue else {
      throw CatalogueError("\(path) has no headings")
    }
    return try formats.flatMap { format, usual in
      guard let rows = usual["rows"]?.objectValue else {
        throw CatalogueError("\(path): \(format) has no rows")
      }
      return try rows.map { name, row in
        try BrokenInput(row, name: name, part: part, format: format == "options" ? nil : format, usual: usual)
      }
    }
  }
}
