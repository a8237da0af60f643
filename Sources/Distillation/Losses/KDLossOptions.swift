import ModelFormats

/// The weights inside a loss between logits, under their papers' letters; `kd_loss_options`.
///
/// What is nil takes the paper's value: `dkd` α = 1 and β = 8 (Zhao and others 2022, for CIFAR-100), `dist` β = γ = 1 (Huang and
/// others 2022), `jsd` β = ½. Other losses have none.
public struct KDLossOptions: Sendable, Equatable {
  /// `dkd`: the weight of the right class.
  public var alpha: Double?
  /// `dkd`: the weight of the wrong classes; `dist`: of the correlations within rows; `jsd`: the teacher's part of the mean,
  /// more than 0 and less than 1 (near 0 as β KL(teacher ‖ student), near 1 as (1 − β) KL(student ‖ teacher)).
  public var beta: Double?
  /// `dist`: the weight of the correlations within classes.
  public var gamma: Double?

  /// Options; nil is the paper's value.
  public init(alpha: Double? = nil, beta: Double? = nil, gamma: Double? = nil) {
    self.alpha = alpha
    self.beta = beta
    self.gamma = gamma
  }

  /// The options by their names in configurations.
  var named: [(name: String, value: Double)] {
    [("alpha", alpha), ("beta", beta), ("gamma", gamma)].compactMap { name, value in value.map { (name, $0) }
    }
  }

  /// What does not fit a loss.
  func faults(for type: KDLossType) -> [Fault] {
    let known = type.optionNames
    return named.compactMap { name, value in
      let field = "kd_loss_options.\(name)"
      guard known.contains(name) else {
        let others = known.isEmpty ? "it has none" : "it has \(known.joined(separator: " and "))"
        return Fault(field, "is no option of \(type.rawValue); \(others)")
      }
      if type == .jsd {
        return Float(value) > 0 && Float(value) < 1
          ? nil : Fault(field, "found \(value), expected more than 0 and less than 1")
      }
      return NumberLimits.weightFault(value).map { Fault(field, $0) }
    }
  }
}

extension KDLossOptions {
  /// The name of the setting.
  static let key = "kd_loss_options"

  /// Reads the options of a configuration; nil when they are missing or no object.
  init?(_ reader: inout FieldReader) {
    guard let value = reader.value(Self.key) else { return nil }
    guard let object = value.objectValue else {
      reader.add(Self.key, "found \(value.inWords), expected members such as \"beta\": 8")
      return nil
    }
    var members = FieldReader(object, path: reader.field(Self.key))
    self.init(alpha: members.number("alpha"), beta: members.number("beta"), gamma: members.number("gamma"))
    members.rejectUnknown()
    reader.add(members.faults)
  }

  /// The options that are given; nil without any.
  var json: JSONValue? {
    var object = JSONObject()
    for (name, value) in named { object[name] = .number(value) }
    return object.isEmpty ? nil : .object(object)
  }
}
