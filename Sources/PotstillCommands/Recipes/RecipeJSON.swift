import Foundation
import Yams

/// Structures of a recipe (lists of matches, for example) as the JSON text that their option takes.
enum RecipeJSON {
  static func text(of node: Node) -> String {
    switch node {
    case .scalar(let scalar):
      let isQuoted = scalar.style == .doubleQuoted || scalar.style == .singleQuoted
      if isQuoted { return quoted(scalar.string) }
      if node.null != nil { return "null" }
      if let bool = node.bool { return bool ? "true" : "false" }
      return isJSONNumber(scalar.string) ? scalar.string : quoted(scalar.string)
    case .sequence(let sequence):
      return "[" + sequence.map(text).joined(separator: ", ") + "]"
    case .mapping(let mapping):
      let members = mapping.map { "\(quoted($0.key.scalar?.string ?? "")): \(text(of: $0.value))" }
      return "{" + members.joined(separator: ", ") + "}"
    case .alias:
      return "null"
    }
  }

  private static func isJSONNumber(_ text: String) -> Bool {
    text.wholeMatch(of: /-?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][-+]?[0-9]+)?/) != nil
  }

  /// A string literal of JSON.
  static func quoted(_ text: String) -> String {
    var result = "\""
    for scalar in text.unicodeScalars {
      switch scalar {
      case "\"": result += "\\\""
      case "\\": result += "\\\\"
      case "\n": result += "\\n"
      case "\r": result += "\\r"
      case "\t": result += "\\t"
      case let control where control.value < 0x20: result += String(format: "\\u%04x", control.value)
      default: result.unicodeScalars.append(scalar)
      }
    }
    return result + "\""
  }
}
