extension JSONValue {
  /// The value as a YAML document in block style, which readers of YAML 1.1 and 1.2 understand alike.
  ///
  /// Strings that could mean something else are quoted (`no` is Norwegian, not false), characters that YAML does not allow
  /// are written as escapes, and numbers have the point that PyYAML asks of them (`1.0e-05`).
  package var yamlText: String { yamlLines.map { $0 + "\n" }.joined() }

  private var yamlLines: [String] {
    switch self {
    case .object(let object) where !object.isEmpty:
      object.flatMap { key, value -> [String] in
        let key = Self.yamlString(key)
        return switch value {
        case .object(let inner) where !inner.isEmpty: [key + ":"] + value.yamlLines.map { "  " + $0 }
        case .array(let inner) where !inner.isEmpty: [key + ":"] + value.yamlLines
        case .null, .bool, .integer, .largeInteger, .double, .string, .array, .object:
          [key + ": " + value.yamlLines.joined()]
        }
      }
    case .array(let values) where !values.isEmpty:
      values.flatMap { value in
        value.yamlLines.enumerated().map { ($0.offset == 0 ? "- " : "  ") + $0.element }
      }
    case .object: ["{}"]
    case .array: ["[]"]
    case .string(let text): [Self.yamlString(text)]
    case .double(let number): [Self.yamlNumber(number)]
    case .null, .bool, .integer, .largeInteger: [compactText]
    }
  }

  private static func yamlNumber(_ number: Double) -> String {
    guard number.isFinite else { return "null" }
    let text = "\(number)"
    guard !text.contains("."), let exponent = text.firstIndex(of: "e") else { return text }
    return text[..<exponent] + ".0" + text[exponent...]
  }

  /// Words that a reader of YAML 1.1 takes for a truth value or for nothing.
  private static let yamlWords: Set<String> = [
    "y", "n", "yes", "no", "on", "off", "true", "false", "null",
  ]

  private static func yamlString(_ text: String) -> String {
    let isPlain = text.wholeMatch(of: /[A-Za-z_][A-Za-z0-9_.\/+\-]*(?: [A-Za-z0-9_.\/+\-]+)*/) != nil
    // A word that ends a line in `-` or begins one is plain too, but a reader of the file would wonder.
    if isPlain, !yamlWords.contains(text.lowercased()), !text.contains(" -"), !text.hasSuffix("-") {
      return text
    }
    var quoted = "\""
    for scalar in text.unicodeScalars {
      switch scalar {
      case "\"": quoted += "\\\""
      case "\\": quoted += "\\\\"
      case "\n": quoted += "\\n"
      case "\r": quoted += "\\r"
      case "\t": quoted += "\\t"
      case "\u{0}"..."\u{1F}", "\u{7F}"..."\u{A0}", "\u{2028}"..."\u{2029}", "\u{FEFF}",
        "\u{FFFE}"..."\u{FFFF}":
        let digits = String(scalar.value, radix: 16, uppercase: true)
        quoted += "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
      case let other: quoted.unicodeScalars.append(other)
      }
    }
    return quoted + "\""
  }
}
