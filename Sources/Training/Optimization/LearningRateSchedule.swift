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
  /// The shape's own settings that are given, such as `num_cycles`; a final rate is a factor here.
  public let settings: [String: Double]

  /// A schedule for a run of `totalSteps` updates.
  ///
  /// - Parameter settings: The shape's own settings, of those that `SchedulerType.settings` names.
  public init(_ type: SchedulerType, totalSteps: Int, warmupSteps: Int = 0, settings: [String: Double] = [:])
  {
    precondition(
      totalSteps >= 0, "A schedule needs a number of steps that is not negative, found \(totalSteps).")
    precondition(
      warmupSteps >= 0, "A warm-up needs a number of steps that is not negative, found \(warmupSteps).")
    self.type = type
    self.totalSteps = totalSteps
    self.warmupSteps = warmupSteps
    self.settings = settings
  }

  /// The factor of the update with this index, counted from 0.
  public func factor(at step: Int) -> Double {
    let warmth = Double(step) / Double(max(1, warmupSteps))
    let isWarmingUp = step < warmupSteps
    let decaySteps = Double(max(1, totalSteps - warmupSteps))
    let progress = Double(step - warmupSteps) / decaySteps
    switch type {
    // Evaluations lower it, see `PlateauSchedule`.
    case .constant, .reduceLROnPlateau: return 1
    case .constantWithWarmup: return isWarmingUp ? warmth : 1
    case .linear: return isWarmingUp ? warmth : max(0, Double(totalSteps - step) / decaySteps)
    case .cosine:
      return isWarmingUp ? warmth : max(0, Self.wave(progress, cycles: settings["num_cycles"] ?? 0.5))
    case .cosineWithRestarts:
      if isWarmingUp { return warmth }
      if progress >= 1 { return 0 }
      let place = (settings["num_cycles"] ?? 1) * progress
      return max(0, Self.wave(place.truncatingRemainder(dividingBy: 1), cycles: 0.5))
    case .polynomial:
      if isWarmingUp { return warmth }
      let end = settings["lr_end"] ?? 0
      if step > totalSteps { return end }
      return (1 - end) * pow(max(0, 1 - progress), settings["power"] ?? 1) + end
    case .inverseSqrt:
      if isWarmingUp { return warmth }
      let scale = settings["timescale"] ?? Double(warmupSteps == 0 ? 10_000 : warmupSteps)
      return 1 / ((Double(step - warmupSteps) + scale) / scale).squareRoot()
    case .warmupStableDecay: return stableDecay(at: step, isWarmingUp: isWarmingUp, warmth)
    }
  }

  /// The factor of a climb, a plain, and a fall along a cosine to the least share of the rate.
  private func stableDecay(at step: Int, isWarmingUp: Bool, _ warmth: Double) -> Double {
    let least = settings["min_lr_ratio"] ?? 0
    if isWarmingUp { return max(0, warmth * (1 - least) + least) }
    let decay = Int(settings["num_decay_steps"] ?? 0)
    let stable = settings["num_stable_steps"].map { Int($0) } ?? totalSteps - warmupSteps - decay
    let place = step - warmupSteps - stable
    if place < 0 { return 1 }
    if place >= decay { return least }
    let fall = Self.wave(Double(place) / Double(max(1, decay)), cycles: settings["num_cycles"] ?? 0.5)
    return max(0, fall * (1 - least) + least)
  }

  /// A cosine that is 1 at first, and 0 after half a wave.
  private static func wave(_ progress: Double, cycles: Double) -> Double {
    0.5 * (1 + cos(.pi * cycles * 2 * progress))
  }
}

/// The shape of the learning rate over a run, spelt as `transformers` spells `lr_scheduler_type`.
public enum SchedulerType: String, Codable, CaseIterable, Sendable {
  /// Down to 0 in a straight line after the warm-up.
  case linear
  /// Along a cosine after the warm-up; half a wave, down to 0, unless `num_cycles` says otherwise.
  case cosine
  /// Along half a cosine down to 0, and again from the top, `num_cycles` times.
  case cosineWithRestarts = "cosine_with_restarts"
  /// The same rate throughout; warm-up settings are ignored.
  case constant
  /// The same rate throughout after the warm-up.
  case constantWithWarmup = "constant_with_warmup"
  /// Down to `lr_end` along a power of the remaining share of the run.
  case polynomial
  /// As the inverse square root of the updates since the warm-up, over `timescale`.
  case inverseSqrt = "inverse_sqrt"
  /// The same rate after the warm-up, and in the last `num_decay_steps` along a cosine down to `min_lr_ratio` of it.
  case warmupStableDecay = "warmup_stable_decay"

  /// The same rate until evaluations no longer improve, then lower; warm-up settings are ignored.
  case reduceLROnPlateau = "reduce_lr_on_plateau"

  /// The names of the shape's own settings, the members of `lr_scheduler_kwargs`.
  public var settings: [String] {
    switch self {
    case .linear, .constant, .constantWithWarmup: []
    case .cosine, .cosineWithRestarts: ["num_cycles"]
    case .polynomial: ["lr_end", "power"]
    case .inverseSqrt: ["timescale"]
    case .warmupStableDecay: ["num_decay_steps", "num_stable_steps", "min_lr_ratio", "num_cycles"]
    case .reduceLROnPlateau:
      ["factor", "patience", "threshold", "threshold_mode", "cooldown", "min_lr", "eps", "mode"]
    }
  }
}
