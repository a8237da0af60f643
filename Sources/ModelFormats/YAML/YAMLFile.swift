import Foundation
import Yams

/// Error of a YAML file: the file, the line where there is one, what was found and what was expected.
public struct YAMLError: Error, CustomStringConvertible, Equatable {
  /// The message.
  public let description: String

  /// An error with its message.
  package init(_ description: String) { self.description = description }
}

/// Reader of YAML (and so JSON) that a user wrote, within bounds: a small file can name itself so often that it is endless.
package enum YAMLFile {
  /// Bytes of a file.
  private static let largestSize = 1 << 20
  /// Aliases of a file; so many can stand for some thousand times its size.
  private static let mostAliases = 24
  /// Values of a file once its aliases stand for what they name.
  private static let mostValues = 50_000

  /// The text of a file without a byte-order mark.
  ///
  /// - Parameter expected: What should be there, for messages.
  /// - Throws: `YAMLError`.
  package static func text(_ path: String, expected: String) throws(YAMLError) -> String {
    let data: Data
    do { data = try FileContents.read(path) } catch {
      guard case .cannotRead(_, let reason) = error, FileManager.default.fileExists(atPath: path) else {
        throw YAMLError("\(path): no such file, or it cannot be read; expected \(expected)")
      }
      throw YAMLError("\(path): \(reason.replacing("expected a file", with: "expected \(expected)"))")
    }
    guard data.count <= largestSize else {
      throw YAMLError("\(path): found \(data.count) bytes, expected \(expected) of at most \(largestSize)")
    }
    if data.starts(with: [0xFF, 0xFE]) || data.starts(with: [0xFE, 0xFF]) {
      throw YAMLError("\(path): found text in UTF-16, expected UTF-8; convert the file to UTF-8")
    }
    guard let text = String(validating: data, as: UTF8.self) else {
      throw YAMLError("\(path): found bytes that are not UTF-8; convert the file to UTF-8")
    }
    return text.unicodeScalars.first == "\u{FEFF}" ? String(text.unicodeScalars.dropFirst()) : text
  }

  /// The document of a text, nil when there is none; `path` is used in messages.
  ///
  /// - Throws: `YAMLError`, with the line where there is one.
  package static func document(_ text: String, path: String) throws(YAMLError) -> Node? {
    if let line = lineOfTooManyAliases(text) {
      throw YAMLError(
        "\(path):\(line): found more than \(mostAliases) aliases; write out what they stand for")
    }
    let root: Node?
    do { root = try Yams.compose(yaml: text) } catch {
      throw YAMLError(explain(error, path: path))
    }
    guard let root else { return nil }
    var left = mostValues
    guard holds(root, within: &left) else {
      throw YAMLError(
        "\(path): found more than \(mostValues) values, aliases counted as what they stand for; expected a recipe or a task"
      )
    }
    return root
  }

  /// Whether the values of a document are not more than are left.
  private static func holds(_ node: Node, within left: inout Int) -> Bool {
    left -= 1
    if left < 0 { return false }
    switch node {
    case .scalar, .alias: return true
    case .sequence(let sequence):
      for member in sequence where !holds(member, within: &left) { return false }
    case .mapping(let mapping):
      for (key, value) in mapping where !(holds(key, within: &left) && holds(value, within: &left)) {
        return false
      }
    }
    return true
  }

  /// The line of the first alias too many; what looks like an alias counts where its anchor is.
  ///
  /// Aliases are found before the text is read, since reading expands those that are keys.
  private static func lineOfTooManyAliases(_ text: String) -> Int? {
    let bytes = Array(text.utf8)
    func name(at start: Int) -> ArraySlice<UInt8> {
      bytes[start...].prefix { byte in
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
          UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "_"), UInt8(ascii: "-"):
          true
        default: false
        }
      }
    }
    var anchors: Set<ArraySlice<UInt8>> = []
    for (place, byte) in bytes.enumerated() where byte == UInt8(ascii: "&") {
      anchors.insert(name(at: place + 1))
    }
    anchors.remove([])
    if anchors.isEmpty { return nil }
    var (line, count) = (1, 0)
    for (place, byte) in bytes.enumerated() {
      if byte == UInt8(ascii: "\n") { line += 1 }
      guard byte == UInt8(ascii: "*"), anchors.contains(name(at: place + 1)) else { continue }
      count += 1
      if count > mostAliases { return line }
    }
    return nil
  }

  private static func explain(_ error: any Error, path: String) -> String {
    switch error as? YamlError {
    case .parser(_, let problem, let mark, _) where problem.hasPrefix("Maximum nesting level"):
      "\(path):\(mark.line): found lists or mappings nested in each other a thousand times, expected a few"
    case .scanner(_, let problem, let mark, _), .parser(_, let problem, let mark, _),
      .composer(_, let problem, let mark, _):
      "\(path):\(mark.line): \(problem); expected YAML or JSON"
    case .duplicatedKeysInMapping(let keys, let context):
      "\(path):\(context.mark.line): the key \"\(keys.first ?? "")\" is given more than once (first here); keep one of them"
    case .reader(let problem, _, _, _):
      "\(path): \(problem); expected YAML or JSON in UTF-8"
    default:
      "\(path): \(error)"
    }
  }
}

extension JSONValue {
  /// The value of a YAML node, structures included.
  package init(_ node: Node) {
    switch node {
    case .scalar(let scalar):
      if scalar.style == .doubleQuoted || scalar.style == .singleQuoted {
        self = .string(scalar.string)
      } else if node.null != nil {
        self = .null
      } else if let bool = node.bool {
        self = .bool(bool)
      } else if let int = node.int {
        self = .integer(int)
      } else if let double = node.float, double.isFinite {
        self = .double(double)
      } else {
        self = .string(scalar.string)
      }
    case .sequence(let sequence):
      self = .array(sequence.map { JSONValue($0) })
    case .mapping(let mapping):
      var object = JSONObject()
      for (key, member) in mapping { object[key.scalar?.string ?? ""] = JSONValue(member) }
      self = .object(object)
    case .alias:
      self = .null
    }
  }
}
