/// A reader of the members of one object, which collects what is wrong with them, so that one message names every fault.
public struct FieldReader {
  /// The words of a message about a value of the wrong kind: the key, the value, what was expected.
  public typealias Wording = (_ key: String, _ found: JSONValue, _ expected: String) -> String

  /// The faults so far, in the order in which they were read.
  public private(set) var faults: [Fault] = []
  private let object: JSONObject
  private let path: String
  private let acceptsNonFinite: Bool
  private let wording: Wording
  /// The keys that somebody asked for, in the order of asking.
  public private(set) var knownKeys: [String] = []

  /// A reader of an object.
  ///
  /// - Parameters:
  ///   - object: The members.
  ///   - path: What precedes every key in the field of a fault, such as `distillation`.
  ///   - acceptsNonFinite: Whether infinite values and NaN are numbers; no file holds them, but options may.
  ///   - wording: The words for a value of the wrong kind.
  public init(
    _ object: JSONObject, path: String = "", acceptsNonFinite: Bool = false,
    wording: @escaping Wording = { "found \($1.inWords), expected \($2)" }
  ) {
    self.object = object
    self.path = path
    self.acceptsNonFinite = acceptsNonFinite
    self.wording = wording
  }

  /// The path of the field under a key.
  public func field(_ key: String) -> String { path.isEmpty ? key : "\(path).\(key)" }

  /// Adds a fault of the field under a key.
  public mutating func add(_ key: String, _ message: String) { faults.append(Fault(field(key), message)) }

  /// Adds the faults of what a field holds.
  public mutating func add(_ nested: [Fault]) { faults += nested }

  // MARK: Values

  /// Whether the object holds a key with null, which unsets what has a default.
  public func unsets(_ key: String) -> Bool { object[key]?.isNull ?? false }

  /// The value under a key, nil when it is missing or null.
  public mutating func value(_ key: String) -> JSONValue? {
    knownKeys.append(key)
    guard let value = object[key], !value.isNull else { return nil }
    return value
  }

  /// The value under a key as something; nil when it is missing, null, or a fault because it is something else.
  public mutating func value<Result>(
    _ key: String, expected: String, _ reading: (JSONValue) -> Result?
  ) -> Result? {
    guard let value = value(key) else { return nil }
    if let result = reading(value) { return result }
    add(key, wording(key, value, expected))
    return nil
  }

  /// The number under a key, whole or not.
  public mutating func number(_ key: String, in range: ClosedRange<Double>? = nil) -> Double? {
    let accepts = acceptsNonFinite
    return value(key, expected: "a number") { Self.number($0, in: range, accepts) }
  }

  /// The whole number under a key.
  public mutating func integer(_ key: String) -> Int? {
    value(key, expected: "a whole number", \.intValue)
  }

  /// The numbers of a list under a key.
  public mutating func numbers(_ key: String, in range: ClosedRange<Double>? = nil) -> [Double]? {
    let accepts = acceptsNonFinite
    return value(key, expected: "a list of numbers") { value in
      let numbers = value.arrayValue?.compactMap { Self.number($0, in: range, accepts) }
      return numbers?.count == value.arrayValue?.count ? numbers : nil
    }
  }

  /// The truth value under a key.
  public mutating func truth(_ key: String) -> Bool? {
    value(key, expected: "true or false", \.boolValue)
  }

  /// The text under a key.
  public mutating func text(_ key: String) -> String? { value(key, expected: "a text", \.stringValue) }

  /// The one of an enumeration's names under a key; the fault of another name lists them.
  public mutating func choice<Choice: RawRepresentable & CaseIterable>(_ key: String) -> Choice?
  where Choice.RawValue == String {
    guard let value = value(key) else { return nil }
    if let text = value.stringValue, let choice = Choice(rawValue: text) { return choice }
    add(key, Self.unknown(value, among: Choice.allCases.map(\.rawValue)))
    return nil
  }

  private static func number(
    _ value: JSONValue, in range: ClosedRange<Double>?, _ acceptsNonFinite: Bool
  ) -> Double? {
    guard let number = value.doubleValue, acceptsNonFinite || number.isFinite else { return nil }
    return range.map { $0.contains(number) } ?? true ? number : nil
  }

  // MARK: Keys

  /// The words for a name that is none of the known ones.
  public static func unknown(_ value: JSONValue, among names: [String]) -> String {
    let list = names.joined(separator: ", ")
    if let text = value.stringValue, let near = suggestion(for: text, among: names) {
      return "found \"\(text)\"; did you mean \"\(near)\"? Known are \(list)"
    }
    return "found \(value.inWords), expected one of \(list)"
  }

  /// The keys nobody asked for.
  public var unknownKeys: [String] { object.keys.filter { !knownKeys.contains($0) } }

  /// Adds a fault for every key nobody asked for, with the known key that was probably meant.
  public mutating func rejectUnknown() {
    for key in unknownKeys {
      let near = suggestion(for: key, among: knownKeys).map { "; did you mean \($0)?" }
      add(key, "is not a known key" + (near ?? "; known are \(knownKeys.sorted().joined(separator: ", "))"))
    }
  }
}

extension JSONValue {
  /// The value in the words of a message: names and numbers as they are, lists and objects by their kind.
  public var inWords: String {
    switch self {
    case .string(let text): "\"\(text)\""
    case .integer(let number): "\(number)"
    case .double(let number): "\(number)"
    case .bool(let truth): "\(truth)"
    case .null, .largeInteger, .array, .object: kind
    }
  }
}

/// A fault of one field of a configuration, or a doubt about it.
public struct Fault: Sendable, Equatable, CustomStringConvertible {
  /// The severity: an error or a warning.
  public enum Severity: String, Sendable {
    /// A fault: nothing can be done with the configuration.
    case fault
    /// A warning: the configuration can be used but may not do what was meant.
    case warning
  }

  /// The path of the field as the user spells it, such as `intermediate_matches[2].layer_T`.
  public let field: String
  /// The message: what was found, what was expected, what to do.
  public let message: String
  /// The severity: an error or a warning.
  public let severity: Severity

  /// A fault, or a warning when `severity` says so.
  public init(_ field: String, _ message: String, severity: Severity = .fault) {
    self.field = field
    self.message = message
    self.severity = severity
  }

  /// The field and the message.
  public var description: String { "\(field): \(message)" }
}

/// The known name that a misspelt one probably meant, nil when none is near: up to a third of its characters (one, in short
/// names) inserted, deleted or replaced, upper and lower case alike.
package func suggestion(for name: String, among known: [String]) -> String? {
  let near = known.map { (name: $0, distance: editDistance(name.lowercased(), $0.lowercased())) }
    .min { $0.distance < $1.distance }
  guard let near, near.distance <= max(1, name.count / 3) else { return nil }
  return near.name
}

/// Damerau's and Levenshtein's distance in characters: two neighbours that changed places are one mistake.
private func editDistance(_ a: String, _ b: String) -> Int {
  let (a, b) = (Array(a), Array(b))
  var (before, row) = ([Int](), Array(0...b.count))
  for i in a.indices {
    var next = [i + 1]
    for j in b.indices {
      var best = min(row[j] + (a[i] == b[j] ? 0 : 1), row[j + 1] + 1, next[j] + 1)
      if i > 0, j > 0, a[i] == b[j - 1], a[i - 1] == b[j] { best = min(best, before[j - 1] + 1) }
      next.append(best)
    }
    (before, row) = (row, next)
  }
  return row[b.count]
}

/// Numbers that single precision holds, in which models compute.
package enum SinglePrecision {
  /// The fault of a number that cannot be used in a computation, in the words of a message; nil for 0 and for a
  /// number that is neither infinite nor 0 in single precision.
  package static func fault(of value: Double) -> String? {
    if !value.isFinite { return "expected a finite number" }
    let single = Float(value)
    if value == 0 || single.isNormal { return nil }
    return single.isFinite
      ? "which is 0 in the single precision that models compute in; expected 0 or a larger number"
      : "which is infinite in the single precision that models compute in; expected a smaller number"
  }
}
