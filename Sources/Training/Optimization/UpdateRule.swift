import Kernels
public import ModelFormats
import Tensors

/// Rule by which an optimizer updates parameters: its name in files, its constants, what it remembers, its formula.
///
/// A rule is a file of its own, which also gives it a name in `OptimizerName`, and its line in `OptimizerName.allCases`.
protocol UpdateRule: Sendable {
  /// The name in `optim`, as `transformers` spells it where it has the rule.
  static var name: String { get }

  /// The name in files of states.
  static var stateName: String { get }

  /// The names of the state tensors that are as large as their parameter, as PyTorch names them.
  var stateNames: [String] { get }

  /// All state tensors kept for a parameter of a shape; by default those of `stateNames`.
  func states(of shape: Shape) -> [(name: String, shape: Shape)]

  /// Whether a row of a table that never had a gradient is changed by nothing but the decay, so that chunks of tables know
  /// which rows have had one.
  var skipsUnusedRows: Bool { get }

  /// A rule with the constants of a run.
  ///
  /// - Parameters:
  ///   - constants: The constants that have settings of their own.
  ///   - arguments: The reader of `optim_args`, of which a rule may ask what it knows.
  init(_ constants: OptimizerConstants, arguments: inout FieldReader)

  /// Updates every chunk of a step.
  ///
  /// - Parameters:
  ///   - chunks: The values to update, those of one parameter one after the other.
  ///   - factor: The schedule's factor on the learning rates.
  ///   - gradientScale: A factor on the gradients.
  func update(_ chunks: [UpdateChunk], factor: Double, gradientScale: Float)
}

extension UpdateRule {
  /// The name in `optim`.
  static var stateName: String { name }

  /// The tensors of `stateNames`.
  func states(of shape: Shape) -> [(name: String, shape: Shape)] { stateNames.map { ($0, shape) } }

  /// False: every value is updated.
  var skipsUnusedRows: Bool { false }
}

/// Name of an optimizer in `optim`, and the table of those that a run can choose.
public struct OptimizerName: RawRepresentable, Hashable, Sendable, CaseIterable {
  /// The rule's type.
  private let rule: any UpdateRule.Type

  /// Optimizers that a run can choose.
  public static let allCases: [OptimizerName] = [
    .adamW,
    .sgd,
    .lamb,
    .adafactor,
  ]

  /// The name of a rule.
  init(_ rule: any UpdateRule.Type) { self.rule = rule }

  /// The optimizer of a name; nil where there is none.
  public init?(rawValue: String) {
    // Of transformers' spellings of one rule only the arithmetic counts.
    let name = Self.spellings[rawValue] ?? rawValue
    guard let known = Self.allCases.first(where: { $0.rawValue == name }) else { return nil }
    self = known
  }

  /// Names in `transformers` of implementations of the same rule.
  private static let spellings = [
    "adamw": "adamw_torch", "adamw_torch_fused": "adamw_torch", "adamw_hf": "adamw_torch",
    "adamw_torch_xla": "adamw_torch", "adamw_apex_fused": "adamw_torch", "adamw_anyprecision": "adamw_torch",
  ]

  /// The name in files.
  public var rawValue: String { rule.name }

  /// Whether both are one optimizer.
  public static func == (a: OptimizerName, b: OptimizerName) -> Bool { a.rawValue == b.rawValue }

  /// Hashes the name.
  public func hash(into hasher: inout Hasher) { hasher.combine(rawValue) }

  /// The update rule with the constants of a run.
  public func config(_ constants: OptimizerConstants) -> OptimizerConfig { read(constants).config }

  /// Everything wrong with the arguments for this optimizer.
  func faults(of constants: OptimizerConstants) -> [Fault] { read(constants).faults }

  private func read(_ constants: OptimizerConstants) -> (config: OptimizerConfig, faults: [Fault]) {
    var reader = FieldReader(constants.arguments)
    let config = OptimizerConfig(rule.init(constants, arguments: &reader))
    if reader.knownKeys.isEmpty, let key = constants.arguments.keys.first {
      reader.add(key, "is not known; \(rawValue) takes no arguments")
    } else {
      reader.rejectUnknown()
    }
    return (config, reader.faults)
  }
}

/// Constants of update rules, as the settings of a run give them.
public struct OptimizerConstants: Sendable {
  /// The decay of the gradient's running mean.
  public var beta1 = 0.9
  /// The decay of the running mean of squares.
  public var beta2 = 0.999
  /// The addition to the denominator.
  public var epsilon = 1e-8
  /// SGD's momentum.
  public var momentum = 0.0
  /// Whether SGD's momentum looks ahead.
  public var nesterov = false
  /// The members of `optim_args`.
  public var arguments = JSONObject()

  /// The default constants.
  public init() {}

  /// The members of a text such as `bias_correction=false, degree=2`; nil where an entry has no name or no value.
  static func arguments(_ text: String) -> JSONObject? {
    var object = JSONObject()
    for entry in text.split(separator: ",") {
      let parts = entry.split(separator: "=", maxSplits: 1).map { part in
        String(part.drop { $0 == " " }.reversed().drop { $0 == " " }.reversed())
      }
      guard parts.count == 2, !parts[0].isEmpty, !parts[1].isEmpty else { return nil }
      let value = parts[1]
      object[parts[0]] =
        switch value.lowercased() {
        case "true": true
        case "false": false
        default: Double(value).map { .number($0) } ?? .string(value)
        }
    }
    return object
  }
}

/// Update rule and its constants; learning rates and weight decay belong to the parameter groups.
public struct OptimizerConfig: Sendable {
  let rule: any UpdateRule

  /// The configuration of a rule.
  init(_ rule: any UpdateRule) { self.rule = rule }

  /// The names of the state tensors that are as large as their parameter, as PyTorch names them.
  package var stateNames: [String] { rule.stateNames }
}
