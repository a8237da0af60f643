import Foundation

/// A file of `Sources`, with the code in it apart from comments and texts.
struct HouseSource: Sendable {
  /// The path below `Sources`.
  let path: String
  /// The text as it is.
  let text: String
  /// The text with nothing but code in it, line by line as long as the file.
  let code: [Substring]

  init(path: String, text: String) {
    (self.path, self.text) = (path, text)
    code = CodeReader.code(of: text).split(separator: "\n", omittingEmptySubsequences: false)
  }

  var target: String { String(path.prefix { $0 != "/" }) }
  var folder: String { String(path[..<(path.lastIndex(of: "/") ?? path.endIndex)]) }

  /// All Swift files of `Sources`, by path.
  static let all: [HouseSource] = {
    let root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
      .deletingLastPathComponent()
    let folder = root.appending(path: "Sources")
    let names = FileManager.default.enumerator(atPath: folder.path)?.compactMap { $0 as? String } ?? []
    return names.filter { $0.hasSuffix(".swift") }.sorted().compactMap { name in
      (try? String(contentsOf: folder.appending(path: name), encoding: .utf8)).map {
        HouseSource(path: name, text: $0)
      }
    }
  }()

  /// Places where a pattern stands in the code of the files that a rule is about, but for those it allows.
  static func places(
    _ pattern: String, in files: (HouseSource) -> Bool = { _ in true }, allowed: [String: String] = [:]
  ) throws -> [String] {
    // By Unicode's rule no word ends at the dot of `a.b`.
    let expression = try Regex(pattern).wordBoundaryKind(.simple)
    return all.filter { files($0) && allowed[$0.path] == nil }.flatMap { source in
      source.code.enumerated().filter { $0.element.contains(expression) }.map {
        "\(source.path):\($0.offset + 1): \($0.element.trimmingCharacters(in: .whitespaces))"
      }
    }
  }
}

/// Reader that keeps the code of a Swift text: comments and the contents of strings go, what strings interpolate and
/// the ends of lines stay.
private struct CodeReader {
  private var rest: ArraySlice<Unicode.Scalar>
  private var result = String.UnicodeScalarView()

  static func code(of text: String) -> String {
    var reader = CodeReader(rest: Array(text.unicodeScalars)[...])
    reader.readCode(toParenthesis: false)
    return String(reader.result)
  }

  private init(rest: ArraySlice<Unicode.Scalar>) { self.rest = rest }

  private func starts(_ prefix: String) -> Bool { rest.starts(with: prefix.unicodeScalars) }

  private mutating func drop(_ count: Int = 1) {
    if rest.first == "\n" { result.append("\n") }
    rest = rest.dropFirst(count)
  }

  private mutating func keep() {
    if let scalar = rest.popFirst() { result.append(scalar) }
  }

  /// Reads to the end, or to the parenthesis that ends an interpolation.
  private mutating func readCode(toParenthesis: Bool) {
    var depth = 0
    while let scalar = rest.first {
      switch scalar {
      case "/" where starts("//"):
        while let next = rest.first, next != "\n" { drop() }
      case "/" where starts("/*"): readComment()
      case "\"", "#":
        let hashes = rest.prefix { $0 == "#" }.count
        if rest.dropFirst(hashes).first == "\"" { readString(hashes) } else { keep() }
      case "(":
        depth += 1
        keep()
      case ")":
        depth -= 1
        keep()
        if toParenthesis, depth == 0 { return }
      default: keep()
      }
    }
  }

  /// Comments nest.
  private mutating func readComment() {
    var depth = 0
    repeat {
      if starts("/*") {
        depth += 1
        drop(2)
      } else if starts("*/") {
        depth -= 1
        drop(2)
      } else {
        drop()
      }
    } while depth > 0 && !rest.isEmpty
  }

  private mutating func readString(_ hashes: Int) {
    drop(hashes)
    let marks = String(repeating: "#", count: hashes)
    let quotes = starts("\"\"\"") ? "\"\"\"" : "\""
    drop(quotes.count)
    result.append("\"")
    while !rest.isEmpty, !starts(quotes + marks) {
      if starts("\\" + marks + "(") {
        drop(1 + hashes)
        readCode(toParenthesis: true)
      } else if starts("\\" + marks) {
        drop(1 + hashes)
        drop()
      } else {
        drop()
      }
    }
    drop(quotes.count + hashes)
    result.append("\"")
  }
}
