import ModelFormats

/// Errors before and during a distillation.
public enum DistillationError: Error, Sendable, Equatable {
  /// A configuration with faults, all of them.
  case invalidConfiguration([Fault])
  /// A configuration file that cannot be read or is not JSON.
  case unreadable(file: String, reason: String)
  /// A file that cannot be written.
  case unwritable(file: String, reason: String)
  /// A teacher's cache that cannot be made or used.
  case cache(file: String, message: String)
  /// An adaptor returned something the configuration cannot work with.
  case adaptor(side: String, field: String, message: String)
}

extension DistillationError: CustomStringConvertible {
  /// The message: where, what was found, what was expected, what to do.
  public var description: String {
    switch self {
    case .invalidConfiguration(let faults):
      "The distillation configuration has \(faults.count) fault\(faults.count == 1 ? "" : "s"):\n"
        + faults.map { "  - \($0)" }.joined(separator: "\n")
    case .unreadable(let file, let reason): "\(file): cannot be read: \(reason)"
    case .unwritable(let file, let reason): "\(file): cannot be written: \(reason)"
    case .cache(let file, let message): "\(file): \(message)"
    case .adaptor(let side, let field, let message): "The \(side)'s adaptor, \(field): \(message)"
    }
  }
}

/// Limits of the numbers of a distillation, so that no loss overflows single precision or vanishes in it.
enum NumberLimits {
  /// The largest factor of a loss.
  static let weight = 1e9
  /// The least and the largest temperature; the loss on logits is multiplied by its square.
  static let temperatures = 1e-6...1e6

  /// Fault of the factor of a loss; nil for a usable one.
  static func weightFault(_ value: Double) -> String? {
    if value >= 0, value <= weight, SinglePrecision.fault(of: value) == nil { return nil }
    if value > 0, value < 1, let reason = SinglePrecision.fault(of: value) {
      return "found \(value), \(reason)"
    }
    return "found \(value), expected at least 0" + (value > weight ? " and at most \(Int(weight))" : "")
  }

  /// Fault of a factor among several that are compared, of which none can be 0; nil for a usable one.
  static func shareFault(_ value: Double) -> String? {
    value > 0 ? weightFault(value) : "found \(value), expected more than 0"
  }

  /// Fault of a temperature; nil for a usable one.
  static func temperatureFault(_ value: Double) -> String? {
    if temperatures.contains(value) { return nil }
    return "found \(value), expected more than 0"
      + (value > 0 ? ": from \(temperatures.lowerBound) to \(Int(temperatures.upperBound))" : "")
  }
}

/// Program whose arithmetic a distillation follows where Potstill's own differs.
public enum Compatibility: String, Sendable, Codable, CaseIterable {
  /// TextBrewer's: no factor τ² on the KD loss, weight schedules that replace the configured weight, attention layers counted
  /// from 0 as positions in Hugging Face's list, negative attention scores wiped out unless rows are chosen, and `pkd`
  /// summed over features.
  case textbrewer
}
