/// How the weight of a loss changes over a run; TextBrewer's `WEIGHT_SCHEDULER`.
///
/// With x = steps done / steps in all, the factor multiplies the configured weight. TextBrewer replaces the weight by the
/// factor from the second step on, which `compatibility: textbrewer` reproduces.
public enum WeightSchedule: String, Sendable, Codable, CaseIterable {
  /// Always the configured weight.
  case none
  /// Factor 1 − x.
  case linearDecay = "linear_decay"
  /// Factor x.
  case linearGrowth = "linear_growth"

  /// The weight at a point of the run.
  ///
  /// - Parameters:
  ///   - weight: The configured weight.
  ///   - progress: Steps done / steps in all, 0 ... 1.
  ///   - compatibility: Whose arithmetic to follow.
  public func weight(_ weight: Double, progress: Double, compatibility: Compatibility? = nil) -> Double {
    let factor: Double
    switch self {
    case .none: return weight
    case .linearDecay: factor = 1 - progress
    case .linearGrowth: factor = progress
    }
    guard compatibility == .textbrewer else { return weight * factor }
    return progress == 0 ? weight : factor
  }
}
