import Datasets
import ModelFormats

/// A key that need not be known at compile time.
struct AnyCodingKey: CodingKey {
  var stringValue: String
  var intValue: Int?
  init(stringValue: String) { self.stringValue = stringValue }
  init(intValue: Int) {
    stringValue = String(intValue)
    self.intValue = intValue
  }
}

/// Decoder of the fields of one mapping, which collects their faults, so that one message names all of them.
struct FieldFaults {
  /// Faults of a nested mapping, handed up to the mapping that holds it.
  struct Nested: Error { let faults: [String] }

  private(set) var faults: [String] = []
  /// The most unknown keys that are shown; more are no misspellings.
  private static let shownUnknown = 20
  private let container: KeyedDecodingContainer<AnyCodingKey>
  private let prefix: String

  init(_ container: KeyedDecodingContainer<AnyCodingKey>, prefix: String) {
    self.container = container
    self.prefix = prefix
  }

  mutating func add(_ fault: String) { faults.append(prefix + fault) }

  /// A value that may be missing or null; a value of the wrong type is a fault.
  mutating func optional<Value: Decodable>(_ name: String, as type: Value.Type = Value.self) -> Value? {
    do {
      if Value.self == Double.self,
        let text = try? container.decode(String.self, forKey: .init(stringValue: name)),
        text.lowercased().contains("0x")
      {
        add("\(name) is \(text), expected a number in decimal digits")
        return nil
      }
      return try container.decodeIfPresent(Value.self, forKey: AnyCodingKey(stringValue: name))
    } catch {
      report(name, Value.self, error)
      return nil
    }
  }

  /// A value that must be there.
  mutating func required<Value: Decodable>(_ name: String, as type: Value.Type = Value.self) -> Value? {
    let before = faults.count
    let value: Value? = optional(name)
    if value == nil && faults.count == before { add("\(name) is missing") }
    return value
  }

  /// One of the names of an enumeration; the fault lists them.
  mutating func choice<Value: RawRepresentable & CaseIterable>(_ name: String) -> Value?
  where Value.RawValue == String {
    guard let text: String = optional(name) else { return nil }
    if let value = Value(rawValue: text) { return value }
    let names = Value.allCases.map(\.rawValue).joined(separator: ", ")
    add("\(name) is \"\(text)\", expected one of \(names)")
    return nil
  }

  /// Reports every key that is not in `known`, with the nearest known one as a suggestion.
  mutating func rejectUnknown(_ known: [String]) {
    let unknown = container.allKeys.map(\.stringValue).sorted().filter { !known.contains($0) }
    if unknown.count > Self.shownUnknown {
      add(
        "\(unknown.count) keys are not known, such as \(unknown[0]); known are \(known.joined(separator: ", "))"
      )
      return
    }
    for key in unknown {
      if let nearest = suggestion(for: key, among: known) {
        add("\(key) is not a known key; did you mean \(nearest)?")
      } else {
        add("\(key) is not a known key; known are \(known.joined(separator: ", "))")
      }
    }
  }

  /// Reports keys that only tasks of another kind have.
  mutating func reject(_ keys: [String], because reason: String) {
    for key in keys where container.contains(AnyCodingKey(stringValue: key)) { add("\(key) \(reason)") }
  }

  private mutating func report<Value>(_ name: String, _ type: Value.Type, _ error: any Error) {
    if let nested = error as? Nested {
      for fault in nested.faults { add("\(name): \(fault)") }
      return
    }
    // A decoder such as Yams wraps errors that are not its own.
    if case DecodingError.dataCorrupted(let context) = error, let nested = context.underlyingError as? Nested
    {
      for fault in nested.faults { add("\(name): \(fault)") }
      return
    }
    add("\(name) cannot be read, expected \(Self.describe(type))")
  }

  private static func describe<Value>(_ type: Value.Type) -> String {
    switch type {
    case is String.Type: "text"
    case is Int.Type: "a whole number"
    case is Double.Type: "a number"
    case is Bool.Type: "true or false"
    case is [String].Type: "a list of texts"
    case is [String: String].Type: "a mapping from raw values to label names"
    case is ColumnReference.Type: "a column name, or its position counted from 0"
    case is DataFile.Type: "a path, or a mapping with path"
    case is [String: DataFile].Type: "a mapping from names such as validation_mismatched to paths"
    case is [ColumnReference].Type: "a list of columns"
    case is [Double].Type: "a list of numbers"
    default: "a \(type)"
    }
  }
}

/// Reading of the settings of single kinds from the keys of a recipe; what is missing keeps its usual value.
extension FieldFaults {
  fileprivate mutating func read<Value: Decodable>(_ key: TaskDefinition.CodingKeys, into value: inout Value)
  {
    if let read: Value = optional(key.rawValue) { value = read }
  }

  /// The share of the training file that is held out, with its seed.
  mutating func heldOut() -> HeldOutShare? {
    let percentage: Double? = optional(TaskDefinition.CodingKeys.validationSplitPercentage.rawValue)
    let seed: Int? = optional(TaskDefinition.CodingKeys.validationSplitSeed.rawValue)
    if let seed, seed < 0 { add("validation_split_seed is \(seed), expected a whole number of at least 0") }
    guard let percentage else {
      if seed != nil { add("validation_split_seed is given, but no validation_split_percentage") }
      return nil
    }
    return HeldOutShare(percentage: percentage, seed: UInt64(max(seed ?? 42, 0)))
  }

  /// A list of a lower and an upper bound.
  mutating func range(_ name: String) -> ClosedRange<Double>? {
    guard let bounds: [Double] = optional(name) else { return nil }
    guard bounds.count == 2, bounds[0] < bounds[1], bounds.allSatisfy(\.isFinite) else {
      add("\(name) is \(bounds), expected the lowest and the highest number, such as [0, 5]")
      return nil
    }
    return bounds[0]...bounds[1]
  }
}

extension EntitySettings {
  init(_ fields: inout FieldFaults) {
    self.init()
    scheme = fields.choice(TaskDefinition.CodingKeys.scheme.rawValue) ?? scheme
    inputScheme = fields.choice(TaskDefinition.CodingKeys.inputScheme.rawValue)
    fields.read(.labelAllTokens, into: &labelAllTokens)
    fields.read(.stripSegmentDigits, into: &stripSegmentDigits)
  }
}

extension QuestionSettings {
  init(_ fields: inout FieldFaults) {
    self.init()
    fields.read(.questionColumn, into: &questionColumn)
    fields.read(.contextColumn, into: &contextColumn)
    fields.read(.answerColumn, into: &answerColumn)
    fields.read(.maxQueryLength, into: &maxQueryLength)
    fields.read(.maxAnswerLength, into: &maxAnswerLength)
    fields.read(.nBestSize, into: &nBestSize)
    fields.read(.version2WithNegative, into: &version2WithNegative)
    fields.read(.nullScoreDiffThreshold, into: &nullScoreDiffThreshold)
  }
}

extension MaskingSettings {
  init(_ fields: inout FieldFaults) {
    self.init()
    fields.read(.maskingProbability, into: &probability)
    fields.read(.wholeWordMask, into: &wholeWords)
    wordListFile = fields.optional(TaskDefinition.CodingKeys.wordListFile.rawValue)
    fields.read(.lineByLine, into: &isLineByLine)
  }
}
