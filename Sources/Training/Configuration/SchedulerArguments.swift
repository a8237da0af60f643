import ModelFormats

/// Settings of a learning rate's shape, the members of `lr_scheduler_kwargs`: numbers, and names such as `"abs"`.
public struct SchedulerArguments: Sendable, Equatable, ExpressibleByDictionaryLiteral {
  /// Numbers by their names, such as `num_cycles`.
  public var numbers: [String: Double]
  /// Names by their names, such as `threshold_mode`.
  public var names: [String: String]

  /// No settings.
  public init() { (numbers, names) = ([:], [:]) }

  /// Settings of given values.
  public init(_ numbers: [String: Double], names: [String: String] = [:]) {
    (self.numbers, self.names) = (numbers, names)
  }

  /// Settings that are numbers.
  public init(dictionaryLiteral elements: (String, Double)...) {
    self.init(Dictionary(elements) { _, last in last })
  }

  /// The number of a name; nil where none is given.
  public subscript(name: String) -> Double? {
    get { numbers[name] }
    set { numbers[name] = newValue }
  }

  /// Whether nothing is set.
  public var isEmpty: Bool { numbers.isEmpty && names.isEmpty }
}

extension SchedulerArguments: SettingValue {
  package static func read(_ key: String, _ reader: inout FieldReader) -> SchedulerArguments? {
    reader.value(key, expected: "an object such as {\"num_cycles\": 2}") { value in
      // An option of a command line is text.
      let text = value.stringValue.flatMap { try? JSONValue(parsing: $0) }
      guard let object = value.objectValue ?? text?.objectValue else { return nil }
      var arguments = SchedulerArguments()
      for (name, member) in object {
        if let number = member.doubleValue, number.isFinite {
          arguments.numbers[name] = number
        } else if let text = member.stringValue {
          arguments.names[name] = text
        } else {
          return nil
        }
      }
      return arguments
    }
  }

  package var json: JSONValue {
    var object = numbers.json.objectValue ?? JSONObject()
    for (name, text) in names.sorted(by: { $0.key < $1.key }) { object[name] = .string(text) }
    return .object(object)
  }
}

extension SchedulerArguments {
  /// Faults of the settings of a shape, in the words that follow `lr_scheduler_kwargs`.
  func faults(of shape: SchedulerType, learningRate: Double) -> [String] {
    let known = shape.settings
    let all = known.isEmpty ? "no settings" : known.joined(separator: ", ")
    var faults: [String] = []
    for key in (Array(numbers.keys) + names.keys).sorted() {
      if !known.contains(key) {
        faults.append("has \"\(key)\", which \(shape.rawValue) does not know; it knows \(all)")
      } else if let expected = Self.words[key] {
        let found = names[key].map { "\"\($0)\"" } ?? "\(numbers[key] ?? 0)"
        if !expected.contains(names[key] ?? "") {
          faults.append("\(key) is \(found); expected \(expected.joined(separator: " or "))")
        }
      } else if let name = names[key] {
        faults.append("\(key) is \"\(name)\"; expected a number")
      } else if let value = numbers[key], !(value.isFinite && value >= 0) {
        faults.append("\(key) is \(value); expected a finite number of at least 0")
      } else if let value = numbers[key], let fault = Self.countFault(key, value) {
        faults.append(fault)
      }
    }
    switch shape {
    case .polynomial:
      let end = numbers["lr_end"] ?? 1e-7
      if end >= learningRate {
        faults.append("lr_end is \(end); expected less than learning_rate, which is \(learningRate)")
      }
    case .warmupStableDecay:
      if numbers["num_decay_steps"] == nil { faults.append("num_decay_steps is missing") }
      if let least = numbers["min_lr_ratio"], least > 1 {
        faults.append("min_lr_ratio is \(least); expected at most 1")
      }
    case .reduceLROnPlateau:
      if let factor = numbers["factor"], factor >= 1 {
        faults.append("factor is \(factor); expected less than 1")
      }
    case .linear, .cosine, .cosineWithRestarts, .constant, .constantWithWarmup, .inverseSqrt: break
    }
    return faults
  }

  /// Settings that are names, with the names that they can have.
  private static let words = ["mode": ["min", "max"], "threshold_mode": ["rel", "abs"]]

  /// Fault of a number of updates or evaluations that is none.
  private static func countFault(_ key: String, _ value: Double) -> String? {
    let units = [
      "num_decay_steps": "updates", "num_stable_steps": "updates", "timescale": "updates",
      "patience": "evaluations", "cooldown": "evaluations",
    ]
    guard let unit = units[key] else { return nil }
    let least = key == "timescale" ? 1.0 : 0
    if value >= least, value <= 1e9, value == value.rounded() { return nil }
    return "\(key) is \(value); expected a whole number of \(unit)"
  }
}

extension PlateauSchedule {
  /// A schedule with PyTorch's defaults where the settings say nothing; of which metric more is better, the run decides.
  package init(_ config: TrainingConfig, state: State = State()) {
    let settings = config.lrSchedulerKwargs
    self.init(
      factor: settings["factor"] ?? 0.1, patience: Int(settings["patience"] ?? 10),
      threshold: settings["threshold"] ?? 1e-4, isRelative: settings.names["threshold_mode"] != "abs",
      cooldown: Int(settings["cooldown"] ?? 0), leastRate: settings["min_lr"] ?? 0,
      epsilon: settings["eps"] ?? 1e-8,
      moreIsBetter: settings.names["mode"].map { $0 == "max" } ?? config.moreIsBetter, state: state)
  }
}
