import Foundation

/// The learning rate as a factor on each group's own rate, a pure function of the step (`get_scheduler` of `transformers`).
///
/// Step 0 is the first update; with a warm-up of w steps its factor is 0, as in `transformers`.
public struct LearningRateSchedule: Sendable, Equatable {
  /// The shape.
  public let type: SchedulerType
  /// The number of updates over which the factor climbs from 0 to 1.
  public let warmupSteps: Int
  /// The number of updates of the whole run.
  public let totalSteps: Int
  /// The final factor of `polynomial`: `lr_end` over the base learning rate.
  public let endFactor: Double
  /// The exponent of `polynomial`.
  public let power: Double
  /// The number of waves of `cosine`.
  public let cycles: Double

  /// A schedule for a run of `totalSteps` updates.
  public init(
    _ type: SchedulerType, totalSteps: Int, warmupSteps: Int = 0, endFactor: Double = 0, power: Double = 1,
    cycles: Double = 0.5
  ) {
    precondition(
      totalSteps >= 0, "A schedule needs a number of steps that is not negative, found \(totalSteps).")
    precondition(
      warmupSteps >= 0, "A warm-up needs a number of steps that is not negative, found \(warmupSteps).")
    self.type = type
    self.totalSteps = totalSteps
    self.warmupSteps = warmupSteps
    self.endFactor = endFactor
    self.power = power
    self.cycles = cycles
  }

  /// The factor of the update with this index, counted from 0.
  public func factor(at step: Int) -> Double {
    if type == .constant { return 1 }
    if step < warmupSteps { return Double(step) / Double(max(1, warmupSteps)) }
    let decaySteps = Double(max(1, totalSteps - warmupSteps))
    let progress = Double(step - warmupSteps) / decaySteps
    switch type {
    case .constant, .constantWithWarmup: return 1
    case .linear: return max(0, Double(totalSteps - step) / decaySteps)
    case .cosine: return max(0, 0.5 * (1 + cos(.pi * cycles * 2 * progress)))
    case .polynomial:
      if step > totalSteps { return endFactor }
      return (1 - endFactor) * pow(max(0, 1 - progress), power) + endFactor
    }
  }
}

/// The shape of the learning rate over a run, spelt as `transformers` spells `lr_scheduler_type`.
public enum SchedulerType: String, Codable, CaseIterable, Sendable {
  /// Down to 0 in a straight line after the warm-up.
  case linear
  /// Along a cosine after the warm-up; half a wave, down to 0, unless `num_cycles` says otherwise.
  case cosine
  /// The same rate throughout; warm-up settings are ignored.
  case constant
  /// The same rate throughout after the warm-up.
  case constantWithWarmup = "constant_with_warmup"
  /// Down to `lr_end` along a power of the remaining share of the run.
  case polynomial
}
