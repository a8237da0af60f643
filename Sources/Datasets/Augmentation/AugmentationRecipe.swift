public import ModelFormats

/// Recipe of augmentation: how new texts are made of a task's own, so exactly that they can be made again.
public struct AugmentationRecipe: Sendable, Hashable {
  /// A method with its share of the new texts.
  public struct Part: Sendable, Hashable {
    /// The method.
    public var method: AugmentationMethod
    /// The share, in proportion to the other methods'.
    public var weight: Double

    /// A method with its share, a positive number.
    public init(_ method: AugmentationMethod, weight: Double = 1) {
      self.method = method
      self.weight = weight
    }
  }

  /// Number of texts that are made.
  public enum Amount: Sendable, Hashable {
    /// A number in all, each of a text drawn at random.
    case count(Int)
    /// A number of each text, as TinyBERT's N; fewer where a text yields no more that are new.
    case copies(Int)
    /// As many as there are texts, each of a text drawn at random.
    case asManyAsGiven
  }

  /// The methods, of which each new text takes one.
  public var parts: [Part]
  /// Number of texts that are made.
  public var amount: Amount
  /// The seed, which decides the results.
  public var seed: UInt64
  /// The mask token of the models' tokenizer.
  public var maskToken: String

  /// A recipe.
  public init(
    _ parts: [Part] = standard, amount: Amount = .asManyAsGiven, seed: UInt64 = 42,
    maskToken: String = "[MASK]"
  ) {
    self.parts = parts
    self.amount = amount
    self.seed = seed
    self.maskToken = maskToken
  }

  /// Masking (a quarter of the texts), replacement (35 %) and joining (40 %): near the real texts, but not so near that a
  /// teacher who knows those by heart is as sure of them.
  public static let standard: [Part] = [
    Part(.masking(p: 0.12), weight: 0.25), Part(.replacement(), weight: 0.35), Part(.joining, weight: 0.4),
  ]

  /// The largest number of candidates that a method wants of a masked language model; nil when none wants any.
  public var maskedCandidates: Int? {
    parts.compactMap { if case .maskedLM(_, let candidates) = $0.method { candidates } else { nil } }.max()
  }
}

extension AugmentationRecipe {
  /// Reads methods: a list of names, each with its share behind a colon if it has one (`masking:2,deleting`), or JSON, a list
  /// of names and of objects with TextBrewer's parameters
  /// (`[{"method": "long_disorder", "p": 0.2, "length": 0.5, "weight": 2}, "masking"]`).
  ///
  /// - Throws: `AugmentationError` with every fault.
  public static func parts(reading text: String) throws(AugmentationError) -> [Part] {
    guard text.hasPrefix("[") || text.hasPrefix("{") else {
      return try parts(.array(text.split(separator: ",").map { .string($0.trimmingWhitespace) }))
    }
    let json: JSONValue
    do throws(FormatError) { json = try JSONValue(parsing: text, file: "methods") } catch {
      throw AugmentationError(["\(error)"])
    }
    return try parts(json)
  }

  /// Reads methods: a list of names and of objects with TextBrewer's parameters, or one of these.
  ///
  /// - Throws: `AugmentationError` with every fault.
  public static func parts(_ json: JSONValue) throws(AugmentationError) -> [Part] {
    var faults: [String] = []
    var parts: [Part] = []
    let entries = json.arrayValue ?? [json]
    for entry in entries {
      var reader = PartReader(entry)
      if let part = reader.part() { parts.append(part) }
      faults += reader.faults
    }
    if entries.isEmpty { faults.append("no method is named; known are \(AugmentationMethod.names.list)") }
    if !faults.isEmpty { throw AugmentationError(faults) }
    return parts
  }

  /// The methods with every parameter, as `parts(reading:)` reads them.
  public var partsJSON: JSONValue { .array(parts.map(\.json)) }
}

/// Reader of one method.
private struct PartReader {
  private let entry: JSONValue
  private var fields: FieldReader
  private var otherFaults: [String] = []

  /// The faults so far.
  var faults: [String] { fields.faults.map(\.message) + otherFaults }

  /// The numbers that a parameter can be.
  private static let range = (-1e9).nextUp...1e9.nextDown

  init(_ entry: JSONValue) {
    self.entry = entry
    fields = FieldReader(
      entry.objectValue ?? JSONObject(), wording: { "\($0) is \($1.compactText); expected \($2)" })
  }

  mutating func part() -> AugmentationRecipe.Part? {
    for (key, value) in entry.objectValue ?? JSONObject() where value.isNull {
      fields.add(key, "\(key) is null; expected a number")
    }
    var name = fields.value("method")?.stringValue ?? entry.stringValue ?? ""
    var weight = number("weight") ?? 1
    if entry.stringValue != nil, let colon = name.firstIndex(of: ":") {
      let share = name[name.index(after: colon)...]
      weight = Double(share) ?? .nan
      name = name[..<colon].trimmingWhitespace
    }
    guard let method = AugmentationMethod(name: name) else {
      let near = suggestion(for: name, among: AugmentationMethod.names).map { "; did you mean \($0)?" }
      otherFaults.append(
        "there is no method \"\(name)\"" + (near ?? "; known are \(AugmentationMethod.names.list)"))
      return nil
    }
    let result = AugmentationRecipe.Part(withParameters(method), weight: weight)
    let known = fields.knownKeys.filter { $0 != "method" }
    otherFaults += fields.unknownKeys.map { "\(name): \($0) is no parameter; it has \(known.list)" }
    if !(weight > 0 && weight.isFinite) {
      otherFaults.append("\(name): the weight must be a positive number, such as \(name):2")
    }
    if let fault = result.method.fault { otherFaults.append("\(name): \(fault)") }
    return result
  }

  private mutating func withParameters(_ method: AugmentationMethod) -> AugmentationMethod {
    switch method {
    case .masking(let p): return .masking(p: number("p") ?? p)
    case .deleting(let p): return .deleting(p: number("p") ?? p)
    case .replacement(let p): return .replacement(p: number("p") ?? p)
    case .nGramSampling(let lengths, let probabilities):
      return .nGramSampling(
        lengths: numbers("l_ng")?.map { Int($0) } ?? lengths, probabilities: numbers("p_ng") ?? probabilities)
    case .shortDisorder(let p): return .shortDisorder(p: numbers("p") ?? p)
    case .longDisorder(let p, let length):
      return .longDisorder(p: number("p") ?? p, length: number("length") ?? length)
    case .joining: return .joining
    case .maskedLM(let p, let candidates):
      return .maskedLM(p: number("p") ?? p, candidates: number("candidates").map { Int($0) } ?? candidates)
    case .perturbation(var perturbation):
      if perturbation.kind.hasStrength {
        perturbation.strength = number("strength") ?? perturbation.strength
      }
      return .perturbation(perturbation)
    }
  }

  private mutating func number(_ key: String) -> Double? { fields.number(key, in: Self.range) }

  private mutating func numbers(_ key: String) -> [Double]? {
    let numbers = fields.numbers(key, in: Self.range)
    guard numbers?.isEmpty == true else { return numbers }
    fields.add(key, "\(key) is []; expected a list of numbers")
    return nil
  }
}

extension AugmentationRecipe.Part {
  fileprivate var json: JSONValue {
    var object = JSONObject()
    object["method"] = .string(method.name)
    func list(_ values: [Double]) -> JSONValue { .array(values.map { .double($0) }) }
    switch method {
    case .masking(let p), .deleting(let p), .replacement(let p): object["p"] = .double(p)
    case .nGramSampling(let lengths, let probabilities):
      object["l_ng"] = .array(lengths.map { .integer($0) })
      object["p_ng"] = list(probabilities)
    case .shortDisorder(let p): object["p"] = list(p)
    case .longDisorder(let p, let length):
      object["p"] = .double(p)
      object["length"] = .double(length)
    case .joining: break
    case .maskedLM(let p, let candidates):
      object["p"] = .double(p)
      object["candidates"] = .integer(candidates)
    case .perturbation(let perturbation):
      if perturbation.kind.hasStrength { object["strength"] = .double(perturbation.strength) }
    }
    object["weight"] = .double(weight)
    return .object(object)
  }
}

extension [String] {
  fileprivate var list: String { joined(separator: ", ") }
}

extension StringProtocol {
  fileprivate var trimmingWhitespace: String {
    String(drop { $0.isWhitespace }.reversed().drop { $0.isWhitespace }.reversed())
  }
}

/// Error of augmentation, every fault in one message.
public struct AugmentationError: Error, Sendable, Equatable, CustomStringConvertible {
  /// One sentence per fault.
  public let faults: [String]

  /// An error of one or more faults.
  public init(_ faults: [String]) { self.faults = faults }

  /// The faults.
  public var description: String {
    faults.count == 1
      ? "augmentation: " + faults[0]
      : "augmentation: \(faults.count) faults:\n  " + faults.joined(separator: "\n  ")
  }
}
