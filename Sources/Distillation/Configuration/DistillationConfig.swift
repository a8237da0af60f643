import ModelFormats

/// What a student learns from: TextBrewer's `DistillationConfig`, its names and defaults.
///
/// The total loss is kd_loss_weight · Σ KD(logits) + hard_label_weight · Σ losses + Σ weight · match. Decoding (JSON, YAML)
/// never stops at the first mistake: what could not be read is kept in `readingFaults`, and `validate` reports it
/// together with everything else before the first step.
public struct DistillationConfig: Sendable, Equatable {
  /// τ, the divisor of both sides' logits; `temperature`.
  public var temperature: Double
  /// How τ depends on the logits; `temperature_scheduler`.
  public var temperatureSchedule: TemperatureSchedule
  /// Which loss compares the logits; `kd_loss_type`.
  public var kdLossType: KDLossType
  /// The weights inside that loss; `kd_loss_options`.
  public var kdLossOptions: KDLossOptions
  /// Whether each row's logits are standardised before they are compared; `logit_standardization`.
  public var logitStandardization: Bool
  /// The factor of the KD loss; `kd_loss_weight`.
  public var kdLossWeight: Double
  /// How that factor changes; `kd_loss_weight_scheduler`.
  public var kdLossWeightSchedule: WeightSchedule
  /// The factor of the adaptor's losses, so of the labels; `hard_label_weight`.
  public var hardLabelWeight: Double
  /// How that factor changes; `hard_label_weight_scheduler`.
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
  /// Whose arithmetic to follow where Potstill's own differs.
  public var compatibility: Compatibility?
  /// What could not be read when this was decoded.
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
