/// Parser of JSON after RFC 8259, strictly: no comments, no trailing commas, no NaN, no duplicate keys, no lone
/// surrogates.
struct JSONParser {
  let bytes: UnsafeBufferPointer<UInt8>
  private let file: String
  var position = 0
  private var scratch: [UInt8] = []
  private let limits: Limits
  /// The keys that lead to a list that is read in columns.
  private let columnsPath: [String]
  /// How many of these keys lead to where the parser is.
  private var columnsDepth = 0
  var columns: JSONColumns?

  /// Limits of a document.
  struct Limits {
    /// The depth to which arrays and objects may nest.
    var depth = JSONValue.depthLimit
    /// The elements of one array.
    var elements = Int.max
  }

  /// Parses a whole document (a leading byte-order mark is skipped).
  static func parse(_ bytes: UnsafeBufferPointer<UInt8>, file: String) throws(FormatError) -> JSONValue {
    try parse(bytes, file: file, columnsAt: []).document
  }

  /// Parses a whole document, in which `null` stands for the list under some keys where its elements are pairs of a string
  /// and a number.
  static func parse(
    _ bytes: UnsafeBufferPointer<UInt8>, file: String, columnsAt path: [String]
  ) throws(FormatError) -> (document: JSONValue, columns: JSONColumns?) {
    var parser = JSONParser(bytes: bytes, file: file, limits: Limits(), columnsAt: path)
    if bytes.count >= 3, bytes[0] == 0xEF, bytes[1] == 0xBB, bytes[2] == 0xBF { parser.position = 3 }
    let value = try parser.value(depth: 0)
    parser.skipSpace()
    guard parser.position == bytes.count else {
      throw parser.error("found \(parser.found) after the end of the document")
    }
    return (value, parser.columns)
  }

  /// Parses a document that is an object and hands out each member as soon as it has been read.
  static func forEachMember(
    of bytes: UnsafeBufferPointer<UInt8>, file: String, limits: Limits,
    _ body: (String, JSONValue) throws(FormatError) -> Void
  ) throws(FormatError) {
    var parser = JSONParser(bytes: bytes, file: file, limits: limits)
    parser.skipSpace()
    guard parser.position < bytes.count, bytes[parser.position] == UInt8(ascii: "{") else {
      throw parser.error("found \(parser.found), expected an object")
    }
    var keys = JSONObject()
    try parser.members(depth: 0) { (key, value) throws(FormatError) in
      guard keys.insertNew(key, .null) else { return false }
      try body(key, value)
      return true
    }
    parser.skipSpace()
    guard parser.position == bytes.count else {
      throw parser.error("found \(parser.found) after the end of the document")
    }
  }

  private init(
    bytes: UnsafeBufferPointer<UInt8>, file: String, limits: Limits, columnsAt path: [String] = []
  ) {
    self.bytes = bytes
    self.file = file
    self.limits = limits
    columnsPath = path
  }

  // MARK: Values

  private mutating func value(depth: Int) throws(FormatError) -> JSONValue {
    skipSpace()
    guard position < bytes.count else { throw error("found the end of the file, expected a value") }
    switch bytes[position] {
    case UInt8(ascii: "{"): return .object(try object(depth: depth))
    case UInt8(ascii: "["): return .array(try array(depth: depth))
    case UInt8(ascii: "\""): return .string(try string())
    case UInt8(ascii: "-"), UInt8(ascii: "0")...UInt8(ascii: "9"): return try number()
    case UInt8(ascii: "t") where take("true"): return .bool(true)
    case UInt8(ascii: "f") where take("false"): return .bool(false)
    case UInt8(ascii: "n") where take("null"): return .null
    case UInt8(ascii: "N"): throw error("found \(found), expected a value (NaN is not a JSON number)")
    case UInt8(ascii: "I"): throw error("found \(found), expected a value (Infinity is not a JSON number)")
    default: throw error("found \(found), expected a value")
    }
  }

  private mutating func object(depth: Int) throws(FormatError) -> JSONObject {
    var result = JSONObject()
    try members(depth: depth) { result.insertNew($0, $1) }
    return result
  }

  /// Reads the members of an object; `take` says whether a key is new.
  private mutating func members(
    depth: Int, _ take: (String, JSONValue) throws(FormatError) -> Bool
  ) throws(FormatError) {
    try enter(depth)
    if closes(UInt8(ascii: "}")) { return }
    while true {
      skipSpace()
      let start = position
      guard next == UInt8(ascii: "\"") else {
        throw error("found \(found), expected a key in double quotes")
      }
      let key = try string()
      skipSpace()
      guard next == UInt8(ascii: ":") else {
        throw error("found \(found), expected ':' after the key \"\(key)\"")
      }
      position += 1
      guard try take(key, try member(key, depth: depth)) else {
        throw error("the key \"\(key)\" occurs twice in one object", at: start)
      }
      if try !continues(before: UInt8(ascii: "}")) { return }
    }
  }

  /// Reads the value of a member.
  private mutating func member(_ key: String, depth: Int) throws(FormatError) -> JSONValue {
    guard depth == columnsDepth, depth < columnsPath.count, key == columnsPath[depth] else {
      return try value(depth: depth + 1)
    }
    columnsDepth += 1
    defer { columnsDepth -= 1 }
    if columnsDepth == columnsPath.count, try readColumns() { return .null }
    return try value(depth: depth + 1)
  }

  private mutating func array(depth: Int) throws(FormatError) -> [JSONValue] {
    try enter(depth)
    var result: [JSONValue] = []
    if closes(UInt8(ascii: "]")) { return result }
    while true {
      guard result.count < limits.elements else {
        throw error("an array has more than \(limits.elements) elements, the most that are expected here")
      }
      result.append(try value(depth: depth + 1))
      if try !continues(before: UInt8(ascii: "]")) { return result }
    }
  }

  private mutating func enter(_ depth: Int) throws(FormatError) {
    guard depth < limits.depth else {
      throw error("arrays and objects nest deeper than \(limits.depth) levels")
    }
    position += 1
  }

  mutating func closes(_ bracket: UInt8) -> Bool {
    skipSpace()
    guard next == bracket else { return false }
    position += 1
    return true
  }

  /// Passes a comma (true) or the closing bracket (false).
  mutating func continues(before bracket: UInt8) throws(FormatError) -> Bool {
    skipSpace()
    guard let byte = next, byte == UInt8(ascii: ",") || byte == bracket else {
      throw error("found \(found), expected ',' or '\(Character(UnicodeScalar(bracket)))'")
    }
    position += 1
    return byte != bracket
  }

  // MARK: Numbers

  mutating func number() throws(FormatError) -> JSONValue {
    let start = position
    let isNegative = bytes[position] == UInt8(ascii: "-")
    if isNegative { position += 1 }
    let firstDigit = position
    var decimal = DecimalNumber()
    let digits = passDigits(to: &decimal)
    guard digits > 0 else { throw error("found \(found), expected a digit after '-'") }
    guard digits == 1 || bytes[firstDigit] != UInt8(ascii: "0") else {
      throw error("a number must not start with 0", at: start)
    }
    var isInteger = true
    if next == UInt8(ascii: ".") {
      isInteger = false
      position += 1
      guard passDigits(to: &decimal, behindPoint: true) > 0 else {
        throw error("found \(found), expected a digit after '.'")
      }
    }
    var hasExponent = false
    if next == UInt8(ascii: "e") || next == UInt8(ascii: "E") {
      (isInteger, hasExponent) = (false, true)
      position += 1
      if next == UInt8(ascii: "+") || next == UInt8(ascii: "-") { position += 1 }
      var exponent = DecimalNumber()
      guard passDigits(to: &exponent) > 0 else {
        throw error("found \(found), expected a digit in the exponent")
      }
    }
    if isInteger, let value = decimal.integer { return .integer(isNegative ? -value : value) }
    if !isInteger, !hasExponent, let value = decimal.nearestDouble {
      return .double(isNegative ? -value : value)
    }
    let text = String(decoding: bytes[start..<position], as: UTF8.self)
    if isInteger, let value = Int(text) { return .integer(value) }
    guard let value = Double(text), value.isFinite else {
      throw error("the number \(text.prefix(40)) is too large for a finite Float64", at: start)
    }
    return isInteger ? .largeInteger(text) : .double(value)
  }

  /// Passes digits, which the number gets, and returns how many they are.
  private mutating func passDigits(to number: inout DecimalNumber, behindPoint: Bool = false) -> Int {
    let start = position
    while let digit = next.map({ $0 &- UInt8(ascii: "0") }), digit < 10 {
      number.append(digit, behindPoint: behindPoint)
      position += 1
    }
    return position - start
  }

  // MARK: Strings

  mutating func string() throws(FormatError) -> String {
    let start = position
    position += 1
    var end = position
    while end < bytes.count, bytes[end] != UInt8(ascii: "\""), bytes[end] != UInt8(ascii: "\\"),
      bytes[end] >= 0x20
    {
      end += 1
    }
    guard end < bytes.count, bytes[end] == UInt8(ascii: "\"") else { return try escapedString(start) }
    // No escapes: the common case.
    guard let text = try? UTF8Span(validating: bytes.extracting(position..<end).span) else {
      throw error("the string is not valid UTF-8", at: start)
    }
    position = end + 1
    return String(copying: text)
  }

  private mutating func escapedString(_ start: Int) throws(FormatError) -> String {
    scratch.removeAll(keepingCapacity: true)
    while position < bytes.count {
      let byte = bytes[position]
      if byte == UInt8(ascii: "\"") {
        position += 1
        guard let text = String(validating: scratch, as: UTF8.self) else {
          throw error("the string is not valid UTF-8", at: start)
        }
        return text
      }
      guard byte >= 0x20 else {
        throw error("found the control character \(hex(UInt32(byte))) in a string; expected an escape")
      }
      position += 1
      if byte == UInt8(ascii: "\\") { try escape() } else { scratch.append(byte) }
    }
    throw error("the string is not closed before the end of the file", at: start)
  }

  private mutating func escape() throws(FormatError) {
    guard position < bytes.count else { throw error("found the end of the file in a string") }
    let byte = bytes[position]
    position += 1
    switch byte {
    case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): scratch.append(byte)
    case UInt8(ascii: "b"): scratch.append(0x08)
    case UInt8(ascii: "f"): scratch.append(0x0C)
    case UInt8(ascii: "n"): scratch.append(0x0A)
    case UInt8(ascii: "r"): scratch.append(0x0D)
    case UInt8(ascii: "t"): scratch.append(0x09)
    case UInt8(ascii: "u"): try unicodeEscape()
    default:
      throw error(
        "unknown escape in a string; expected one of \\\" \\\\ \\/ \\b \\f \\n \\r \\t \\u", at: position - 2)
    }
  }

  private mutating func unicodeEscape() throws(FormatError) {
    let start = position - 2
    var code = try fourHexDigits(start)
    if code >> 10 == 0x36 {  // a high surrogate needs its low one
      let isPair =
        position + 1 < bytes.count && bytes[position] == UInt8(ascii: "\\")
        && bytes[position + 1] == UInt8(ascii: "u")
      if isPair { position += 2 }
      let low = isPair ? try fourHexDigits(start) : 0
      guard low >> 10 == 0x37 else {
        throw error("\(hex(code)) is half of a surrogate pair; expected the other half after it", at: start)
      }
      code = 0x10000 + (code & 0x3FF) << 10 + (low & 0x3FF)
    }
    guard let scalar = UnicodeScalar(code) else {
      throw error("\(hex(code)) is half of a surrogate pair; expected the other half before it", at: start)
    }
    scratch.append(contentsOf: UTF8.encode(scalar) ?? UTF8.encodedReplacementCharacter)
  }

  private mutating func fourHexDigits(_ start: Int) throws(FormatError) -> UInt32 {
    guard position + 4 <= bytes.count else { throw error("\\u needs four hexadecimal digits", at: start) }
    var code: UInt32 = 0
    for _ in 0..<4 {
      let byte = bytes[position]
      let digit: UInt8
      switch byte {
      case UInt8(ascii: "0")...UInt8(ascii: "9"): digit = byte - UInt8(ascii: "0")
      case UInt8(ascii: "a")...UInt8(ascii: "f"): digit = byte - UInt8(ascii: "a") + 10
      case UInt8(ascii: "A")...UInt8(ascii: "F"): digit = byte - UInt8(ascii: "A") + 10
      default: throw error("\\u needs four hexadecimal digits", at: start)
      }
      code = code << 4 | UInt32(digit)
      position += 1
    }
    return code
  }

  // MARK: Helpers

  /// The byte at the position; nil at the end.
  @inline(__always)
  var next: UInt8? { position < bytes.count ? bytes[position] : nil }

  @inline(__always)
  mutating func skipSpace() {
    while position < bytes.count {
      let byte = bytes[position]
      guard byte == 0x20 || byte == 0x0A || byte == 0x0D || byte == 0x09 else { return }
      position += 1
    }
  }

  private mutating func take(_ word: StaticString) -> Bool {
    guard bytes.count - position >= word.utf8CodeUnitCount else { return false }
    for index in 0..<word.utf8CodeUnitCount where bytes[position + index] != word.utf8Start[index] {
      return false
    }
    position += word.utf8CodeUnitCount
    return true
  }

  /// The text at the current position, for messages.
  private var found: String {
    guard position < bytes.count else { return "the end of the file" }
    let byte = bytes[position]
    return byte > 0x20 && byte < 0x7F
      ? "'\(Character(UnicodeScalar(byte)))'" : "byte 0x\(String(byte, radix: 16))"
  }

  private func hex(_ code: UInt32) -> String {
    let digits = String(code, radix: 16, uppercase: true)
    return "U+" + String(repeating: "0", count: max(0, 4 - digits.count)) + digits
  }

  private func error(_ reason: String, at offset: Int? = nil) -> FormatError {
    let end = min(offset ?? position, bytes.count)
    var line = 1
    var lineStart = 0
    for index in 0..<end where bytes[index] == 0x0A {
      line += 1
      lineStart = index + 1
    }
    return .json(file: file, line: line, column: end - lineStart + 1, reason: reason)
  }
}
