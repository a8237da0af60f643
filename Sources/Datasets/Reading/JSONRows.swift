import ModelFormats

/// Reader of files of JSON objects: one a line, or the members of one list.
package enum JSONRows {
  /// Calls `body` with each object and the line where it begins, counted from 1, or with what is wrong; blank lines are left out.
  ///
  /// - Parameter format: `json` for a list of objects, by itself or as `data` of an object; else one object a line.
  package static func forEach(
    _ bytes: [UInt8], _ format: DataFormat, _ body: (Int, Result<JSONObject, RowFault>) -> Void
  ) {
    forEach(RowPiece(whole: bytes), format, body)
  }

  /// Calls `body` with each object of a piece, as above.
  static func forEach(
    _ piece: RowPiece, _ format: DataFormat, _ body: (Int, Result<JSONObject, RowFault>) -> Void
  ) {
    if format == .json {
      var list = JSONList(piece.bytes)
      while let (line, element) = list.next() { body(line, element.flatMap { object(line, Array($0)) }) }
      return
    }
    DelimitedRows.forEachLine(piece) { line, content in
      if content.allSatisfy({ $0 == UInt8(ascii: " ") || $0 == DelimitedRows.tab }) { return }
      body(line, object(line, Array(content)))
    }
  }

  /// The object that some bytes are, or what is wrong with them.
  static func object(_ line: Int, _ content: [UInt8]) -> Result<JSONObject, RowFault> {
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

  /// The text of a value that is one, or of a number or truth value as JSON writes it; nil of anything else.
  package static func scalar(_ value: JSONValue) -> String? {
    switch value {
    case .string(let text): text
    case .integer, .largeInteger, .double, .bool: value.compactText
    case .null, .array, .object: nil
    }
  }
}

/// List of a JSON document, element by element, each with its line: a fault of one leaves the others as they are.
struct JSONList {
  private let bytes: ArraySlice<UInt8>
  private var place: Int
  private var line = 1
  private var state = State.start
  private enum State { case start, elements, end }

  /// A document: a list, or an object with a list `data`.
  init(_ bytes: ArraySlice<UInt8>) {
    self.bytes = bytes
    place = bytes.startIndex
  }

  /// The next element as it stands; nil behind the last.
  mutating func next() -> (line: Int, element: Result<ArraySlice<UInt8>, RowFault>)? {
    if state == .start {
      guard enterList() else { return fault("no list of objects", "[{…}, {…}], or {\"data\": [{…}, {…}]}") }
      state = .elements
      skipSpace()
      if peek == UInt8(ascii: "]") { state = .end }
    }
    guard state == .elements else { return nil }
    skipSpace()
    let start = place
    let first = line
    if peek == UInt8(ascii: "]") { return fault("a comma before ]", "one more element, or none") }
    guard skipValue(), place > start else { return fault("an element that never ends", "a whole document") }
    let element = bytes[start..<place]
    skipSpace()
    switch peek {
    case UInt8(ascii: ","): place += 1
    case UInt8(ascii: "]"): state = .end
    default: return fault("an element without a comma or ] behind it", "one of them")
    }
    return (first, .success(element))
  }

  private mutating func fault(
    _ found: String, _ expected: String
  ) -> (line: Int, element: Result<ArraySlice<UInt8>, RowFault>) {
    state = .end
    return (line, .failure(RowFault(line: line, found: found, expected: expected)))
  }

  private var peek: UInt8? { place < bytes.endIndex ? bytes[place] : nil }

  private mutating func skipSpace() {
    while let byte = peek, [0x20, 0x09, 0x0A, 0x0D].contains(byte) {
      if byte == 0x0A { line += 1 }
      place += 1
    }
  }

  /// Goes to the first element of the document's list.
  private mutating func enterList() -> Bool {
    skipSpace()
    if peek == UInt8(ascii: "[") {
      place += 1
      return true
    }
    guard peek == UInt8(ascii: "{") else { return false }
    place += 1
    while true {
      skipSpace()
      let start = place
      guard peek == UInt8(ascii: "\""), skipValue() else { return false }
      let isData = bytes[start..<place].elementsEqual("\"data\"".utf8)
      skipSpace()
      guard peek == UInt8(ascii: ":") else { return false }
      place += 1
      skipSpace()
      if isData, peek == UInt8(ascii: "[") {
        place += 1
        return true
      }
      guard skipValue() else { return false }
      skipSpace()
      guard peek == UInt8(ascii: ",") else { return false }
      place += 1
    }
  }

  /// Goes behind a value, whose own form nobody checks here; false where it does not end.
  private mutating func skipValue() -> Bool {
    var depth = 0
    var isText = false
    while let byte = peek {
      if isText {
        if byte == UInt8(ascii: "\\") { place += 1 }
        if byte == UInt8(ascii: "\"") { isText = false }
      } else {
        switch byte {
        case UInt8(ascii: "\""): isText = true
        case UInt8(ascii: "["), UInt8(ascii: "{"): depth += 1
        case UInt8(ascii: "]"), UInt8(ascii: "}"):
          if depth == 0 { return true }
          depth -= 1
        case UInt8(ascii: ","), UInt8(ascii: ":"): if depth == 0 { return true }
        default: break
        }
      }
      if byte == 0x0A { line += 1 }
      place += 1
      if depth == 0, !isText,
        byte == UInt8(ascii: "\"") || byte == UInt8(ascii: "}") || byte == UInt8(ascii: "]")
      {
        return true
      }
    }
    place = min(place, bytes.endIndex)
    return false
  }
}
