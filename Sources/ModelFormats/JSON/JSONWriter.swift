extension JSONValue {
  /// The text on one line, with a space after each comma and colon (as Python's `json.dumps` writes it).
  public var compactText: String {
    String(decoding: JSONWriter.bytes(of: self, pretty: false), as: UTF8.self)
  }

  /// The text indented by two spaces, one member or element a line (as Hugging Face writes `config.json`).
  public var prettyText: String { String(decoding: JSONWriter.bytes(of: self, pretty: true), as: UTF8.self) }
}

/// Writer of JSON text: keys in their order, characters beyond ASCII as they are, a non-finite number as `null`.
package struct JSONWriter {
  private var output: [UInt8] = []
  private let pretty: Bool

  /// The UTF-8 text of a value, without a final line break.
  package static func bytes(of value: JSONValue, pretty: Bool) -> [UInt8] {
    var writer = JSONWriter(pretty: pretty)
    writer.write(value, depth: 0)
    return writer.output
  }

  private init(pretty: Bool) { self.pretty = pretty }

  private mutating func write(_ value: JSONValue, depth: Int) {
    switch value {
    case .null: append("null")
    case .bool(let value): append(value ? "true" : "false")
    case .integer(let value): append(String(value))
    case .largeInteger(let digits): append(digits)
    case .double(let value): append(value.isFinite ? "\(value)" : "null")
    case .string(let value): write(value)
    case .array(let elements):
      list("[", "]", count: elements.count, depth: depth) { $0.write(elements[$1], depth: depth + 1) }
    case .object(let object):
      let (keys, values) = (object.keys, object.values)
      list("{", "}", count: keys.count, depth: depth) {
        $0.write(keys[$1])
        $0.append(": ")
        $0.write(values[$1], depth: depth + 1)
      }
    }
  }

  private mutating func list(
    _ open: String, _ close: String, count: Int, depth: Int, item: (inout JSONWriter, Int) -> Void
  ) {
    append(open)
    for index in 0..<count {
      if index > 0 { append(pretty ? "," : ", ") }
      if pretty { newLine(depth + 1) }
      item(&self, index)
    }
    if pretty, count > 0 { newLine(depth) }
    append(close)
  }

  private mutating func newLine(_ depth: Int) {
    output.append(0x0A)
    for _ in 0..<(2 * depth) { output.append(0x20) }
  }

  private mutating func append(_ text: String) { output.append(contentsOf: text.utf8) }

  private mutating func write(_ text: String) {
    output.append(UInt8(ascii: "\""))
    for byte in text.utf8 {
      switch byte {
      case UInt8(ascii: "\""): append("\\\"")
      case UInt8(ascii: "\\"): append("\\\\")
      case 0x08: append("\\b")
      case 0x09: append("\\t")
      case 0x0A: append("\\n")
      case 0x0C: append("\\f")
      case 0x0D: append("\\r")
      case 0..<0x20: append("\\u00" + (byte < 16 ? "0" : "") + String(byte, radix: 16))
      default: output.append(byte)
      }
    }
    output.append(UInt8(ascii: "\""))
  }
}
