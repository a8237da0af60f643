public import Foundation
public import ModelFormats

/// Configuration of a distillation: TextBrewer's `DistillationConfig`, its names and defaults.
///
/// The total loss is kd_loss_weight · Σ KD(logits) + hard_label_weight · Σ losses + Σ weight · match. Decoding (JSON, YAML)
/// never stops at the first mistake: what could not be read is kept in `readingFaults`, and `validate` reports it
/// together with everything else before the first step.
public struct DistillationConfig: Sendable, Equatable {
  /// τ, the divisor of both sides' logits; `temperature`.
  public var temperature: Double
  /// Schedule of τ by the logits; `temperature_scheduler`.
  public var temperatureSchedule: TemperatureSchedule
  /// Loss between the logits; `kd_loss_type`.
  public var kdLossType: KDLossType
  /// The weights inside that loss; `kd_loss_options`.
  public var kdLossOptions: KDLossOptions
  /// Whether each row's logits are standardised before they are compared; `logit_standardization`.
  public var logitStandardization: Bool
  /// The factor of the KD loss; `kd_loss_weight`.
  public var kdLossWeight: Double
  /// Schedule of that factor; `kd_loss_weight_scheduler`.
  public var kdLossWeightSchedule: WeightSchedule
  /// The factor of the adaptor's losses, so of the labels; `hard_label_weight`.
  public var hardLabelWeight: Double
  /// Schedule of that factor; `hard_label_weight_scheduler`.
  public var hardLabelWeightSchedule: WeightSchedule
  /// Whether the teacher's largest logit changes places with that of the true label; `probability_shift`.
  public var probabilityShift: Bool
  /// Whether the teacher runs once over the data and its answers are kept; `cache_teacher_logits`, or TextBrewer's
  /// `is_caching_logits`.
  ///
  /// Logits alone are kept in memory; what matches need is kept on disk, by `cacheTeacher(over:in:)`.
  /// A sequence's logits depend on the rest of its batch in their last bits, so a resumed run may differ in these.
  public var cacheTeacherLogits: Bool
  /// The losses between layers; `intermediate_matches` (or `matches`).
  public var matches: [MatchSource]
  /// Program whose arithmetic to follow where Potstill's own differs.
  public var compatibility: Compatibility?
  /// Faults of what could not be read when this was decoded.
  public internal(set) var readingFaults: [Fault] = []
  /// The entries of `intermediate_matches` that could not be read, so that the others keep their numbers in messages.
  var unreadableMatches: [Int] = []

  /// A configuration with TextBrewer's defaults.
  public init(
    temperature: Double = 4, temperatureSchedule: TemperatureSchedule = .constant,
    kdLossType: KDLossType = .ce, kdLossOptions: KDLossOptions = KDLossOptions(),
    logitStandardization: Bool = false, kdLossWeight: Double = 1,
    kdLossWeightSchedule: WeightSchedule = .none,
    hardLabelWeight: Double = 0, hardLabelWeightSchedule: WeightSchedule = .none,
    probabilityShift: Bool = false, cacheTeacherLogits: Bool = false, matches: [MatchSource] = [],
    compatibility: Compatibility? = nil
  ) {
    self.temperature = temperature
    self.temperatureSchedule = temperatureSchedule
    self.kdLossType = kdLossType
    self.kdLossOptions = kdLossOptions
    self.logitStandardization = logitStandardization
    self.kdLossWeight = kdLossWeight
    self.kdLossWeightSchedule = kdLossWeightSchedule
    self.hardLabelWeight = hardLabelWeight
    self.hardLabelWeightSchedule = hardLabelWeightSchedule
    self.probabilityShift = probabilityShift
    self.cacheTeacherLogits = cacheTeacherLogits
    self.matches = matches
    self.compatibility = compatibility
  }

  /// A configuration with written-out matches, as TextBrewer's `intermediate_matches`.
  public init(
    temperature: Double = 4, kdLossType: KDLossType = .ce, kdLossWeight: Double = 1,
    hardLabelWeight: Double = 0, intermediateMatches: [IntermediateMatch]
  ) {
    self.init(
      temperature: temperature, kdLossType: kdLossType, kdLossWeight: kdLossWeight,
      hardLabelWeight: hardLabelWeight, matches: intermediateMatches.map { .match($0) })
  }
}

extension DistillationConfig {
  /// Reads a configuration with TextBrewer's keys from a JSON tree; what is wrong ends up in `readingFaults`.
  ///
  /// - Parameters:
  ///   - json: An object; missing keys take their defaults.
  ///   - path: What precedes every key in messages, such as `distillation`.
  public init(json: JSONValue, path: String = "") {
    self.init()
    readingFaults =
      json.objectValue.map { Self.settings.lay($0, over: &self, path: path, rejectsUnknown: true) } ?? [
        Fault(
          path.isEmpty ? "configuration" : path, "found \(json.inWords), expected keys such as temperature")
      ]
  }

  /// Reads a JSON file.
  ///
  /// - Throws: `DistillationError.unreadable` when it is no JSON; wrong content ends up in `readingFaults`.
  public init(contentsOf url: URL) throws(DistillationError) {
    do {
      self.init(json: try JSONValue(contentsOf: url))
    } catch {
      throw .unreadable(file: url.path, reason: "\(error)")
    }
  }

  /// The configuration as a JSON object with TextBrewer's keys; reading it gives the same configuration.
  public var json: JSONValue { .object(Self.settings.json(of: self)) }
}

extension DistillationConfig: Codable {
  /// Decodes from any format; never throws for wrong content, which ends up in `readingFaults`.
  public init(from decoder: any Decoder) throws { self.init(json: try JSONValue(from: decoder)) }

  /// Encodes every key that differs from a missing one, under TextBrewer's names.
  public func encode(to encoder: any Encoder) throws { try json.encode(to: encoder) }
}

/// Schedule of a loss's weight over a run; TextBrewer's `WEIGHT_SCHEDULER`.
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
