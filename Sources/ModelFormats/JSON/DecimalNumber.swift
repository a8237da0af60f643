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
