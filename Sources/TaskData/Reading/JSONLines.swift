import ModelFormats

/// Reads files of one JSON object a line.
enum JSONLines {
  /// Calls `body` with each object and its line counted from 1, or with what is wrong with the line; blank ones are left out.
  static func forEach(_ bytes: [UInt8], _ body: (Int, Result<JSONObject, RowFault>) -> Void) {
    DelimitedRows.forEachLine(bytes) { line, content in
      if content.allSatisfy({ $0 == UInt8(ascii: " ") || $0 == DelimitedRows.tab }) { return }
      body(line, object(line, Array(content)))
    }
  }

  private static func object(_ line: Int, _ content: [UInt8]) -> Result<JSONObject, RowFault> {
    do {
      let value = try JSONValue(parsing: content)
      if let object = value.objectValue { return .success(object) }
      return .failure(RowFault(line: line, found: "\(value.kind)", expected: "an object"))
    } catch {
      var reason = "\(error)"
      if case .json(_, _, let column, let detail) = error { reason = "column \(column): \(detail)" }
      return .failure(
        RowFault(line: line, found: "a line that is not JSON (\(reason))", expected: "an object"))
    }
  }

  /// The value of a key that must be there.
  static func value(
    _ column: ColumnReference, of object: JSONObject, line: Int
  ) throws(RowFault) -> JSONValue {
    // A position in JSON lines is rejected when the task is validated.
    if case .name(let key) = column, let value = object[key], !value.isNull { return value }
    let keys = object.keys.isEmpty ? "no keys" : "the keys \(object.keys.joined(separator: ", "))"
    throw RowFault(line: line, found: keys, expected: "a value for \(column)")
  }

  /// The text of a key that must be there; numbers and Booleans count as the text that JSON writes for them, and a list
  /// of texts (the keywords of CLUE's CSL) as its members with spaces between.
  static func text(_ column: ColumnReference, of object: JSONObject, line: Int) throws(RowFault) -> String {
    let value = try value(column, of: object, line: line)
    if let text = scalar(value) { return text }
    if let list = value.arrayValue {
      let texts = list.compactMap(\.stringValue)
      if texts.count == list.count { return texts.joined(separator: " ") }
    }
    throw RowFault(line: line, found: "\(column) with \(value.kind)", expected: "a text or a number")
  }

  /// A value that may be a truth value, a 0 or 1, or either as a text.
  static func flag(_ value: JSONValue?) -> Bool? {
    guard let value, !value.isNull else { return nil }
    if let flag = value.boolValue { return flag }
    switch value.stringValue?.lowercased() {
    case "true": return true
    case "false": return false
    default: return value.wholeNumber.flatMap { $0 == 0 ? false : $0 == 1 ? true : nil }
    }
  }

  static func scalar(_ value: JSONValue) -> String? {
    switch value {
    case .string(let text): text
    case .integer, .largeInteger, .double, .bool: value.compactText
    default: nil
    }
  }
}
