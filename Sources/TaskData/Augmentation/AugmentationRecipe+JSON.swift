public import ModelFormats

extension AugmentationRecipe {
  /// Reads methods: a list of names, each with its share behind a colon if it has one (`masking:2,deleting`), or JSON, a list
  /// of names and of objects with TextBrewer's parameters
  /// (`[{"method": "long_disorder", "p": 0.2, "length": 0.5, "weight": 2}, "masking"]`).
  ///
  /// - Throws: `AugmentationError` with every fault.
  public static func parts(reading text: String) throws(AugmentationError) -> [Part] {
    var faults: [String] = []
    var parts: [Part] = []
    let entries: [JSONValue]
    if text.hasPrefix("[") || text.hasPrefix("{") {
      let json: JSONValue
      do throws(FormatError) { json = try JSONValue(parsing: text, file: "methods") } catch {
        throw AugmentationError(["\(error)"])
      }
      entries = json.arrayValue ?? [json]
    } else {
      entries = text.split(separator: ",").map { .string($0.trimmingWhitespace) }
    }
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

/// Reads one method.
private struct PartReader {
  private let entry: JSONValue
  private var known = ["method", "weight"]
  private(set) var faults: [String] = []

  init(_ entry: JSONValue) { self.entry = entry }

  mutating func part() -> AugmentationRecipe.Part? {
    var name = entry["method"]?.stringValue ?? entry.stringValue ?? ""
    var weight = number("weight") ?? 1
    if entry.stringValue != nil, let colon = name.firstIndex(of: ":") {
      let share = name[name.index(after: colon)...]
      weight = Double(share) ?? .nan
      name = name[..<colon].trimmingWhitespace
    }
    guard let method = AugmentationMethod(name: name) else {
      let near = suggestion(for: name, among: AugmentationMethod.names).map { "; did you mean \($0)?" }
      faults.append(
        "there is no method \"\(name)\"" + (near ?? "; known are \(AugmentationMethod.names.list)"))
      return nil
    }
    let result = AugmentationRecipe.Part(withParameters(method), weight: weight)
    for key in entry.objectValue?.keys ?? [] where !known.contains(key) {
      faults.append("\(name): \(key) is no parameter; it has \(known.dropFirst().map { $0 }.list)")
    }
    if !(weight > 0 && weight.isFinite) {
      faults.append("\(name): the weight must be a positive number, such as \(name):2")
    }
    if let fault = result.method.fault { faults.append("\(name): \(fault)") }
    return result
  }

  private mutating func withParameters(_ method: AugmentationMethod) -> AugmentationMethod {
    switch method {
    case .masking(let p): .masking(p: number("p") ?? p)
    case .deleting(let p): .deleting(p: number("p") ?? p)
    case .replacement(let p): .replacement(p: number("p") ?? p)
    case .nGramSampling(let lengths, let probabilities):
      .nGramSampling(
        lengths: numbers("l_ng")?.map { Int($0) } ?? lengths, probabilities: numbers("p_ng") ?? probabilities)
    case .shortDisorder(let p): .shortDisorder(p: numbers("p") ?? p)
    case .longDisorder(let p, let length):
      .longDisorder(p: number("p") ?? p, length: number("length") ?? length)
    case .joining: .joining
    case .maskedLM(let p, let candidates):
      .maskedLM(p: number("p") ?? p, candidates: number("candidates").map { Int($0) } ?? candidates)
    }
  }

  private mutating func number(_ key: String) -> Double? {
    if key != "weight" { known.append(key) }
    guard let value = entry[key] else { return nil }
    if let number = value.doubleValue, abs(number) < 1e9 { return number }
    faults.append("\(key) is \(value.compactText); expected a number")
    return nil
  }

  private mutating func numbers(_ key: String) -> [Double]? {
    known.append(key)
    guard let value = entry[key] else { return nil }
    let numbers = value.arrayValue?.compactMap(\.doubleValue).filter { abs($0) < 1e9 } ?? []
    if !numbers.isEmpty, numbers.count == value.arrayValue?.count { return numbers }
    faults.append("\(key) is \(value.compactText); expected a list of numbers")
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
