import ModelFormats

/// What numbers of a distillation can be, so that no loss overflows single precision or vanishes in it.
enum NumberLimits {
  /// The largest factor of a loss.
  static let weight = 1e9
  /// The least and the largest temperature; the loss on logits is multiplied by its square.
  static let temperatures = 1e-6...1e6

  /// What is wrong with the factor of a loss; nil for a usable one.
  static func weightFault(_ value: Double) -> String? {
    if value >= 0, value <= weight, SinglePrecision.fault(of: value) == nil { return nil }
    if value > 0, value < 1, let reason = SinglePrecision.fault(of: value) {
      return "found \(value), \(reason)"
    }
    return "found \(value), expected at least 0" + (value > weight ? " and at most \(Int(weight))" : "")
  }

  /// What is wrong with a factor among several that are compared, of which none can be 0; nil for a usable one.
  static func shareFault(_ value: Double) -> String? {
    value > 0 ? weightFault(value) : "found \(value), expected more than 0"
  }

  /// What is wrong with a temperature; nil for a usable one.
  static func temperatureFault(_ value: Double) -> String? {
    if temperatures.contains(value) { return nil }
    return "found \(value), expected more than 0"
      + (value > 0 ? ": from \(temperatures.lowerBound) to \(Int(temperatures.upperBound))" : "")
  }
}
