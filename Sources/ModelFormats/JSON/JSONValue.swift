import Foundation

/// A JSON document: objects keep the order of their keys, integers stay exact, numbers are finite.
///
/// Foundation's decoder loses key order and accepts duplicate keys; configuration files must be written back as they
/// were read, and a hostile checkpoint header must not hide a second entry under one name.
public enum JSONValue: Sendable {
  /// `null`.
  case null
  /// `true` or `false`.
  case bool(Bool)
  /// A number without fraction or exponent that fits `Int`.
  case integer(Int)
  /// A number without fraction or exponent that does not fit `Int`, as its digits (tokenizer_config.json's
  /// `model_max_length` is 10^30 by default).
  case largeInteger(String)
  /// Any other number; always finite when it was parsed.
  case double(Double)
  /// A string.
  case string(String)
  /// An array.
  case array([JSONValue])
  /// An object.
  case object(JSONObject)

  /// The depth to which arrays and objects may nest.
  public static let depthLimit = 200
}

// MARK: - Reading values

extension JSONValue {
  /// The value as a truth value, nil when it is something else.
  public var boolValue: Bool? { if case .bool(let value) = self { value } else { nil } }

  /// The value as an integer, nil when it is something else (also when it was written `1.0`).
  public var intValue: Int? { if case .integer(let value) = self { value } else { nil } }

  /// The value as a number of any kind, nil when it is something else.
  public var doubleValue: Double? {
    switch self {
    case .integer(let value): Double(value)
    case .largeInteger(let digits): Double(digits)
    case .double(let value): value
    case .null, .bool, .string, .array, .object: nil
    }
  }

  /// The value as a string, nil when it is something else.
  public var stringValue: String? { if case .string(let value) = self { value } else { nil } }

  /// The value as an array, nil when it is something else.
  public var arrayValue: [JSONValue]? { if case .array(let value) = self { value } else { nil } }

  /// The value as an object, nil when it is something else.
  public var objectValue: JSONObject? { if case .object(let value) = self { value } else { nil } }

  /// Whether this is `null`.
  public var isNull: Bool { if case .null = self { true } else { false } }

  /// The value under a key; nil when there is none or when this is not an object.
  public subscript(key: String) -> JSONValue? { objectValue?[key] }

  /// The element at an index; nil when there is none or when this is not an array.
  public subscript(index: Int) -> JSONValue? {
    guard let elements = arrayValue, elements.indices.contains(index) else { return nil }
    return elements[index]
  }

  /// The value with the keys of an object sorted; what its members hold stays as it is.
  package var sorted: JSONValue {
    guard let object = objectValue else { return self }
    var result = JSONObject()
    for (key, value) in object.sorted(by: { $0.key < $1.key }) { result[key] = value }
    return .object(result)
  }

  /// The kind of value in messages, such as "a string".
  public var kind: String {
    switch self {
    case .null: "null"
    case .bool: "a truth value"
    case .integer, .largeInteger: "an integer"
    case .double: "a number"
    case .string: "a string"
    case .array: "an array"
    case .object: "an object"
    }
  }
}

// MARK: - Making values

extension JSONValue: ExpressibleByNilLiteral, ExpressibleByBooleanLiteral, ExpressibleByIntegerLiteral,
  ExpressibleByFloatLiteral, ExpressibleByStringLiteral, ExpressibleByArrayLiteral,
  ExpressibleByDictionaryLiteral
{
  /// `null`.
  public init(nilLiteral: ()) { self = .null }
  /// A truth value.
  public init(booleanLiteral value: Bool) { self = .bool(value) }
  /// An integer.
  public init(integerLiteral value: Int) { self = .integer(value) }
  /// A number.
  public init(floatLiteral value: Double) { self = .double(value) }
  /// A string.
  public init(stringLiteral value: String) { self = .string(value) }
  /// An array.
  public init(arrayLiteral elements: JSONValue...) { self = .array(elements) }
  /// An object with the keys in the order written; a repeated key keeps its last value.
  public init(dictionaryLiteral elements: (String, JSONValue)...) {
    var object = JSONObject()
    for (key, value) in elements { object[key] = value }
    self = .object(object)
  }
}

// MARK: - Comparing

extension JSONValue: Equatable {
  /// Whether two documents are the same.
  ///
  /// Strings are compared scalar by scalar (Swift's own `==` would equate composed and decomposed characters);
  /// objects are equal when they hold equal values under the same keys in the same order.
  public static func == (a: JSONValue, b: JSONValue) -> Bool {
    switch (a, b) {
    case (.null, .null): true
    case (.bool(let a), .bool(let b)): a == b
    case (.integer(let a), .integer(let b)): a == b
    case (.largeInteger(let a), .largeInteger(let b)): a == b
    case (.double(let a), .double(let b)): a == b
    case (.string(let a), .string(let b)): a.utf8.elementsEqual(b.utf8)
    case (.array(let a), .array(let b)): a == b
    case (.object(let a), .object(let b)): a == b
    case (.null, _), (.bool, _), (.integer, _), (.largeInteger, _), (.double, _), (.string, _), (.array, _),
      (.object, _):
      false
    }
  }
}

// MARK: - Files

extension JSONValue {
  /// Parses UTF-8 text.
  ///
  /// - Parameters:
  ///   - bytes: The whole document.
  ///   - file: The name that errors carry.
  /// - Throws: `FormatError.json` with line and column.
  public init(parsing bytes: [UInt8], file: String = "JSON") throws(FormatError) {
    self = try bytes.withUnsafeBufferPointer { (buffer) throws(FormatError) in
      try JSONParser.parse(buffer, file: file)
    }
  }

  /// Parses text.
  ///
  /// - Throws: `FormatError.json` with line and column.
  public init(parsing text: String, file: String = "JSON") throws(FormatError) {
    try self.init(parsing: Array(text.utf8), file: file)
  }

  /// Parses a line of a file whose lines are documents.
  ///
  /// - Parameters:
  ///   - line: The text.
  ///   - number: The number of the line, from 1.
  ///   - file: The file.
  /// - Throws: `FormatError.json` with the line of the file and the column.
  package init(parsingLine line: String, number: Int, of file: String) throws(FormatError) {
    do { try self.init(parsing: line, file: file) } catch {
      guard case .json(_, let inside, let column, let reason) = error else { throw error }
      throw .json(file: file, line: number + inside - 1, column: column, reason: reason)
    }
  }

  /// Reads and parses a file.
  ///
  /// - Throws: `FormatError.cannotRead` or `FormatError.json`.
  public init(contentsOf url: URL) throws(FormatError) {
    try self.init(parsing: [UInt8](FileContents.read(url.path)), file: url.path)
  }

  /// Reads and parses a file of a model folder: a pipe, a device or a folder under its name is an error.
  ///
  /// - Throws: `FormatError.cannotRead` or `FormatError.json`.
  package init(contentsOfRegularFile url: URL) throws(FormatError) {
    try self.init(parsing: try FileReader.contents(of: url), file: url.path)
  }

  /// Reads and parses a file of a model folder whose list under some keys is read in columns.
  ///
  /// A list that is not of pairs of a string and a number stays in the document, in which `null` stands for it otherwise.
  ///
  /// - Throws: `FormatError.cannotRead` or `FormatError.json`.
  package static func reading(
    _ url: URL, columnsAt path: [String]
  ) throws(FormatError) -> (document: JSONValue, columns: JSONColumns?) {
    try FileReader.contents(of: url).withUnsafeBufferPointer { (buffer) throws(FormatError) in
      try JSONParser.parse(buffer, file: url.path, columnsAt: path)
    }
  }

  /// Writes the indented text to a temporary file and renames it to `url`.
  ///
  /// - Throws: `FormatError.cannotWrite`.
  public func write(to url: URL) throws(FormatError) {
    try AtomicFile.write(JSONWriter.bytes(of: self, pretty: true) + [UInt8(ascii: "\n")], to: url)
  }
}

extension JSONValue: Codable {
  /// Decodes what a decoder of any format holds.
  public init(from decoder: any Decoder) throws {
    if let container = try? decoder.container(keyedBy: MemberKey.self) {
      var object = JSONObject()
      for key in container.allKeys {
        object[key.stringValue] = try container.decode(JSONValue.self, forKey: key)
      }
      self = .object(object)
    } else if var container = try? decoder.unkeyedContainer() {
      var elements: [JSONValue] = []
      while !container.isAtEnd { elements.append(try container.decode(JSONValue.self)) }
      self = .array(elements)
    } else {
      self = Self.scalar(try decoder.singleValueContainer())
    }
  }

  private static func scalar(_ container: any SingleValueDecodingContainer) -> JSONValue {
    if container.decodeNil() { return .null }
    if let truth = try? container.decode(Bool.self) { return .bool(truth) }
    if let number = try? container.decode(Int.self) { return .integer(number) }
    if let number = try? container.decode(UInt64.self) { return .largeInteger("\(number)") }
    if let number = try? container.decode(Double.self) { return .double(number) }
    return (try? container.decode(String.self)).map { .string($0) } ?? .null
  }

  /// Encodes for any format.
  public func encode(to encoder: any Encoder) throws {
    switch self {
    case .object(let object):
      var container = encoder.container(keyedBy: MemberKey.self)
      for (key, member) in object { try container.encode(member, forKey: MemberKey(stringValue: key)) }
    case .array(let elements):
      var container = encoder.unkeyedContainer()
      for element in elements { try container.encode(element) }
    case .null, .bool, .integer, .largeInteger, .double, .string:
      var container = encoder.singleValueContainer()
      try encodeScalar(into: &container)
    }
  }

  private func encodeScalar(into container: inout any SingleValueEncodingContainer) throws {
    switch self {
    case .bool(let truth): try container.encode(truth)
    case .integer(let number): try container.encode(number)
    case .double(let number): try container.encode(number)
    case .string(let text): try container.encode(text)
    case .largeInteger(let digits):
      if let number = UInt64(digits) { try container.encode(number) } else { try container.encode(digits) }
    case .null, .array, .object: try container.encodeNil()
    }
  }

  private struct MemberKey: CodingKey {
    let stringValue: String
    var intValue: Int? { nil }
    init(stringValue: String) { self.stringValue = stringValue }
    init?(intValue: Int) { nil }
  }
}

/// The number that a text is in decimal digits, with a fraction or exponent or without; nil for any other text.
///
/// Swift's own reading takes hexadecimal numbers (`0x1p3`), `nan` and `inf` too, which no data file means as numbers.
package func decimalNumber(_ text: String) -> Double? {
  let isDecimal = text.utf8.allSatisfy { byte in
    switch byte {
    case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "+"), UInt8(ascii: "-"), UInt8(ascii: "."),
      UInt8(ascii: "e"), UInt8(ascii: "E"):
      true
    default: false
    }
  }
  guard isDecimal, let number = Double(text), number.isFinite else { return nil }
  return number
}

/// The whole number that a text is, also written with a fraction of zero as programs that know only floating-point numbers
/// write it (`93.0`); nil for any other text.
package func wholeNumber(_ text: String) -> Int? {
  Int(text) ?? decimalNumber(text).flatMap { Int(exactly: $0) }
}

extension JSONValue {
  /// The whole number that a value is, also one written as `93.0` or as a string of digits; nil for any other value.
  package var wholeNumber: Int? {
    switch self {
    case .integer(let value): value
    case .double(let value): Int(exactly: value)
    case .string(let text): ModelFormats.wholeNumber(text)
    case .largeInteger, .null, .bool, .array, .object: nil
    }
  }
}
