import ModelFormats

/// Reads the members of one object and collects what is wrong with them, so that one message names every fault.
struct ConfigReader {
  private let object: JSONObject
  private let path: String
  private(set) var faults: [DistillationFault] = []
  private var known: [String] = []

  init(_ object: JSONObject, path: String = "") {
    self.object = object
    self.path = path
  }

  mutating func add(_ key: String, _ message: String) {
    faults.append(DistillationFault(field(key), message))
  }

  mutating func add(_ nested: [DistillationFault]) { faults += nested }

  func field(_ key: String) -> String { path.isEmpty ? key : "\(path).\(key)" }

  /// The value under a key, nil when it is missing or null.
  mutating func value(_ key: String) -> JSONValue? {
    known.append(key)
    guard let value = object[key], !value.isNull else { return nil }
    return value
  }

  mutating func number(_ key: String) -> Double? {
    guard let value = value(key) else { return nil }
    if let number = value.doubleValue, number.isFinite { return number }
    add(key, "found \(describe(value)), expected a number")
    return nil
  }

  mutating func integer(_ key: String) -> Int? {
    guard let value = value(key) else { return nil }
    if let number = value.intValue { return number }
    add(key, "found \(describe(value)), expected a whole number")
    return nil
  }

  mutating func numbers(_ key: String) -> [Double]? {
    guard let value = value(key) else { return nil }
    let numbers = value.arrayValue?.compactMap(\.doubleValue).filter(\.isFinite)
    if let numbers, numbers.count == value.arrayValue?.count { return numbers }
    add(key, "found \(describe(value)), expected a list of numbers")
    return nil
  }

  mutating func truth(_ key: String) -> Bool? {
    guard let value = value(key) else { return nil }
    if let truth = value.boolValue { return truth }
    add(key, "found \(describe(value)), expected true or false")
    return nil
  }

  mutating func choice<Choice: RawRepresentable & CaseIterable>(_ key: String) -> Choice?
  where Choice.RawValue == String {
    guard let value = value(key) else { return nil }
    if let text = value.stringValue, let choice = Choice(rawValue: text) { return choice }
    add(key, unknown(value, among: Choice.allCases.map(\.rawValue)))
    return nil
  }

  /// The words for a name that is none of the known ones.
  func unknown(_ value: JSONValue, among names: [String]) -> String {
    let list = names.joined(separator: ", ")
    if let text = value.stringValue, let near = suggestion(for: text, among: names) {
      return "found \"\(text)\"; did you mean \"\(near)\"? Known are \(list)"
    }
    return "found \(describe(value)), expected one of \(list)"
  }

  /// Reports every key nobody asked for.
  mutating func rejectUnknown() {
    for key in object.keys where !known.contains(key) {
      let near = suggestion(for: key, among: known).map { "; did you mean \($0)?" }
      add(key, "is not a known key" + (near ?? "; known are \(known.sorted().joined(separator: ", "))"))
    }
  }
}

/// A value in the words of a message.
func describe(_ value: JSONValue) -> String {
  switch value {
  case .string(let text): "\"\(text)\""
  case .integer(let number): "\(number)"
  case .double(let number): "\(number)"
  case .bool(let truth): "\(truth)"
  default: value.kind
  }
}
