/// A kind of value that a setting can have: how it is read from JSON and written.
package protocol SettingValue: Sendable, Equatable {
  /// The value under a key; nil, with a fault where it is of another kind, leaves the setting as it is.
  static func read(_ key: String, _ reader: inout FieldReader) -> Self?
  /// The value as JSON.
  var json: JSONValue { get }
}

extension Double: SettingValue {
  /// The number under a key.
  package static func read(_ key: String, _ reader: inout FieldReader) -> Double? { reader.number(key) }
  /// The number, without a fraction where it has none.
  package var json: JSONValue { .number(self) }
}

extension Int: SettingValue {
  /// The whole number under a key.
  package static func read(_ key: String, _ reader: inout FieldReader) -> Int? { reader.integer(key) }
  /// The number.
  package var json: JSONValue { .integer(self) }
}

extension UInt64: SettingValue {
  /// The whole number under a key.
  package static func read(_ key: String, _ reader: inout FieldReader) -> UInt64? {
    reader.value(key, expected: "a whole number of at least 0", \.unsignedValue)
  }
  /// The number.
  package var json: JSONValue { Int(exactly: self).map { .integer($0) } ?? .largeInteger("\(self)") }
}

extension Bool: SettingValue {
  /// The truth value under a key.
  package static func read(_ key: String, _ reader: inout FieldReader) -> Bool? { reader.truth(key) }
  /// The truth value.
  package var json: JSONValue { .bool(self) }
}

extension String: SettingValue {
  /// The text under a key.
  package static func read(_ key: String, _ reader: inout FieldReader) -> String? { reader.text(key) }
  /// The text.
  package var json: JSONValue { .string(self) }
}

extension SettingValue where Self: RawRepresentable & CaseIterable, RawValue == String {
  /// The name under a key.
  package static func read(_ key: String, _ reader: inout FieldReader) -> Self? { reader.choice(key) }
  /// The name.
  package var json: JSONValue { .string(rawValue) }
}

extension Optional: SettingValue where Wrapped: SettingValue {
  /// The value under a key; null unsets it.
  package static func read(_ key: String, _ reader: inout FieldReader) -> Wrapped?? {
    if let value = Wrapped.read(key, &reader) { return .some(value) }
    return reader.unsets(key) ? .some(nil) : nil
  }
  /// The value, or null.
  package var json: JSONValue { self?.json ?? .null }
}

extension [String: Double]: SettingValue {
  /// The numbers of an object under a key.
  package static func read(_ key: String, _ reader: inout FieldReader) -> [String: Double]? {
    reader.value(key, expected: "an object of numbers") { value in
      // An option of a command line is text.
      let text = value.stringValue.flatMap { try? JSONValue(parsing: $0) }
      guard let object = value.objectValue ?? text?.objectValue else { return nil }
      var numbers: [String: Double] = [:]
      for (name, member) in object {
        guard let number = member.doubleValue, number.isFinite else { return nil }
        numbers[name] = number
      }
      return numbers
    }
  }
  /// The numbers under their names, sorted.
  package var json: JSONValue {
    var object = JSONObject()
    for (name, value) in sorted(by: { $0.key < $1.key }) { object[name] = value.json }
    return .object(object)
  }
}

extension JSONValue {
  /// A number, without a fraction where it has none, as people write it.
  package static func number(_ value: Double) -> JSONValue {
    guard abs(value) < 1e15, let whole = Int(exactly: value) else { return .double(value) }
    return .integer(whole)
  }

  /// The value as a number of at least 0 that may be too large for `Int`; nil when it is something else.
  package var unsignedValue: UInt64? {
    switch self {
    case .integer(let value): UInt64(exactly: value)
    case .largeInteger(let digits): UInt64(digits)
    case .null, .bool, .double, .string, .array, .object: nil
    }
  }
}
