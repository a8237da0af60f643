import Foundation
public import ModelFormats
import Tasks

/// Page of a report: one HTML file that needs no network, with its data as JSON inside.
public struct ReportPage {
  /// The title.
  let title: String
  /// The data that the page's program draws.
  public let data: JSONValue

  /// A page with its data.
  public init(title: String, data: JSONValue) { (self.title, self.data) = (title, data) }

  /// The largest page in bytes.
  public static let byteLimit = 5_000_000
  /// The beginning of the element by which a page is known as one of ours.
  static let mark = "<meta name=\"generator\" content=\"Potstill "

  /// The files of the program in order.
  private static let program = [
    PackageResources.base_js, PackageResources.charts_js, PackageResources.sections_js,
    PackageResources.rows_js, PackageResources.relations_js, PackageResources.attention_js,
    PackageResources.main_js,
  ]

  /// The whole file.
  public var bytes: [UInt8] {
    let parts: [String: [UInt8]] = [
      "title": Array(Self.escaped(title).utf8), "version": Array(Self.escaped(LibraryVersion.current).utf8),
      "style": PackageResources.page_css, "words": PackageResources.words_json,
      "data": Self.embedded(data), "program": Array(Self.program.joined()),
    ]
    // Cut at the marks of the page as it is written, so that nothing in a part is taken for one.
    let text = String(decoding: PackageResources.page_html, as: UTF8.self)
    var result: [UInt8] = []
    for (index, piece) in text.components(separatedBy: "@@").enumerated() {
      result += index.isMultiple(of: 2) ? Array(piece.utf8) : parts[piece] ?? []
    }
    return result
  }

  /// JSON that ends no element of a page: `<`, `>` and `&`, which stand in strings alone, and the line ends of JavaScript are
  /// written as escapes.
  static func embedded(_ value: JSONValue) -> [UInt8] {
    let bytes = Array(value.compactText.utf8)
    var result: [UInt8] = []
    result.reserveCapacity(bytes.count + bytes.count / 16)
    for (place, byte) in bytes.enumerated() {
      switch byte {
      case UInt8(ascii: "<"): result += "\\u003c".utf8
      case UInt8(ascii: ">"): result += "\\u003e".utf8
      case UInt8(ascii: "&"): result += "\\u0026".utf8
      // U+2028 and U+2029 are E2 80 A8 and E2 80 A9; their first two bytes are there already.
      case 0xA8, 0xA9:
        guard place >= 2, bytes[place - 2] == 0xE2, bytes[place - 1] == 0x80 else { fallthrough }
        result.removeLast(2)
        result += (byte == 0xA8 ? "\\u2028" : "\\u2029").utf8
      default: result.append(byte)
      }
    }
    return result
  }

  /// Words of the page: each key with its sentence in every language.
  package static var words: JSONValue {
    get throws(FormatError) { try JSONValue(parsing: PackageResources.words_json, file: "words.json") }
  }

  /// Text of the page's program.
  package static var programText: String { String(decoding: Array(program.joined()), as: UTF8.self) }

  /// Text of an element or of an attribute.
  static func escaped(_ text: String) -> String {
    text.replacing("&", with: "&amp;").replacing("<", with: "&lt;").replacing(">", with: "&gt;")
      .replacing("\"", with: "&quot;")
  }

  /// Writes the page.
  ///
  /// - Throws: `TaskError` where a file is there that is no report; `FormatError`.
  func write(to url: URL) throws {
    if FileManager.default.fileExists(atPath: url.path), try !Self.isReport(url) {
      throw TaskError(
        "\(url.relativePath) exists already and is no report of Potstill; name another file with --output")
    }
    let bytes = bytes
    guard bytes.count <= Self.byteLimit else {
      throw TaskError(
        "the report would have \(grouped(bytes.count)) bytes, more than \(grouped(Self.byteLimit)); give fewer runs"
      )
    }
    try AtomicFile.write(bytes, to: url)
  }

  private static func isReport(_ url: URL) throws -> Bool {
    let reader = try FileReader(path: url.path)
    let head: [UInt8] = try reader.numbers(min(reader.count, 2000), at: 0)
    return String(decoding: head, as: UTF8.self).contains(mark)
  }
}
