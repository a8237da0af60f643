public import ModelFormats

extension DistillationConfig {
  /// The table of all settings, under TextBrewer's names.
  public static let settings = Settings<DistillationConfig>(logitsSettings + otherSettings)

  /// The settings of the loss between the logits.
  private static let logitsSettings: [Setting<DistillationConfig>] = [
    Setting(
      "temperature", \.temperature, help: "Divisor of both sides' logits.",
      check: { value, _ in NumberLimits.temperatureFault(value).map { [$0] } ?? [] }),
    Setting(
      TemperatureSchedule.key, at: \.temperatureSchedule,
      help: "How the temperature follows the logits: none, [\"flsw\", beta, gamma] or [\"cwsm\", beta].",
      read: { reader, config in
        config.temperatureSchedule = TemperatureSchedule(&reader) ?? config.temperatureSchedule
      },
      write: { $0.temperatureSchedule.json }, check: { $0.temperatureSchedule.faults }),
    Setting("kd_loss_type", \.kdLossType, help: "Loss between the logits."),
    Setting(
      KDLossOptions.key, at: \.kdLossOptions,
      help:
        "Weights inside that loss: {\"alpha\": 1, \"beta\": 8} of dkd, {\"beta\": 1, \"gamma\": 1} of dist, {\"beta\": 0.5} of jsd.",
      read: { reader, config in
        config.kdLossOptions = KDLossOptions(&reader) ?? config.kdLossOptions
      },
      write: { $0.kdLossOptions.json }, check: { $0.kdLossOptions.faults(for: $0.kdLossType) }),
    Setting(
      "logit_standardization", \.logitStandardization,
      help: "Compare logits by how far apart they lie, each row's scale taken out.", isWritten: { $0 }),
    Setting(
      "kd_loss_weight", \.kdLossWeight, help: "Factor of that loss.",
      check: { value, _ in NumberLimits.weightFault(value).map { [$0] } ?? [] }),
    Setting(
      "kd_loss_weight_scheduler", \.kdLossWeightSchedule, help: "How that factor changes over the run.",
      doubt: { $0.doubt(ofWeight: $1.kdLossWeight, "kd_loss_weight", $1.compatibility) }),
  ]

  /// The settings of labels, of the teacher's answers and of layers.
  private static let otherSettings: [Setting<DistillationConfig>] = [
    Setting(
      "hard_label_weight", \.hardLabelWeight, help: "Factor of the loss on the labels.",
      check: { value, _ in NumberLimits.weightFault(value).map { [$0] } ?? [] }),
    Setting(
      "hard_label_weight_scheduler", \.hardLabelWeightSchedule, help: "How that factor changes over the run.",
      doubt: { $0.doubt(ofWeight: $1.hardLabelWeight, "hard_label_weight", $1.compatibility) }),
    Setting(
      "probability_shift", \.probabilityShift,
      help: "Swap the teacher's largest logit with that of the true label."),
    Setting(
      "cache_teacher_logits", \.cacheTeacherLogits, also: ["is_caching_logits"],
      help:
        "Run the teacher once over the data and keep its answers: logits in memory; with --match, logits and layers in a "
        + "file of the run folder, deleted at the end."),
    Setting(
      "intermediate_matches", at: \.matches,
      help:
        "A loss between layers; may be given several times. A method such as minilmv2, emd or pkd_skip, a map of the "
        + "layers such as uniform, with another loss as uniform:cos, a preset such as L3_hidden_mse, or JSON such as "
        + "{\"layer_T\": 6, \"layer_S\": 3, \"loss\": \"hidden_mse\", \"weight\": 1, \"proj\": [\"linear\", 312, 768]}; "
        + "with module_T and module_S it compares named modules, such as encoder.layer.3.attention.output.",
      read: { reader, config in
        for key in ["intermediate_matches", "matches"] {
          if let value = reader.value(key) { config.read(matches: value, key, &reader) }
        }
      },
      write: { .array($0.matches.map(\.json)) }),
    Setting(
      "compatibility", \.compatibility,
      help: "Follow TextBrewer's arithmetic where Potstill's own differs, T² first of all.",
      isWritten: { $0 != nil }),
  ]

  /// Adds the entries of a list of matches, and notes those that cannot be read.
  private mutating func read(matches value: JSONValue, _ key: String, _ reader: inout FieldReader) {
    // A single name or match needs no list around it.
    for (index, entry) in (value.arrayValue ?? [value]).enumerated() {
      var entries = MatchReader(entry, path: reader.field("\(key)[\(index)]"))
      if let source = entries.read() { matches.append(source) } else { unreadableMatches.append(index) }
      reader.add(entries.faults)
    }
  }
}

extension WeightSchedule {
  /// Doubts about changing a weight that is 0.
  fileprivate func doubt(
    ofWeight weight: Double, _ key: String, _ compatibility: Compatibility?
  ) -> String? {
    guard weight == 0, self != .none, compatibility != .textbrewer else { return nil }
    return "\(rawValue) scales a weight of 0, so this loss never counts; give \(key) (1 is TextBrewer's end "
      + "of a growth, which \"compatibility\": \"textbrewer\" reaches from 0)"
  }
}

extension KDLossType: SettingValue {}
extension WeightSchedule: SettingValue {}
extension Compatibility: SettingValue {}
