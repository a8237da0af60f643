import ArgumentParser
import Distillation
import ModelFormats

extension KDLossType: ExpressibleByArgument {}
extension Compatibility: ExpressibleByArgument {}
extension WeightSchedule: ExpressibleByArgument {}

/// What the student learns from: the names of TextBrewer's DistillationConfig.
package struct DistillationOptions: ParsableArguments {
  @Option(help: "Divisor of both sides' logits (default: 4).")
  package var temperature: Double?

  @Option(help: "How the temperature follows the logits: none, [\"flsw\", beta, gamma] or [\"cwsm\", beta].")
  package var temperatureScheduler: String?

  @Option(help: "Loss between the logits (default: ce).")
  package var kdLossType: KDLossType?

  @Option(
    help: ArgumentHelp(
      "Weights inside that loss: {\"alpha\": 1, \"beta\": 8} of dkd, {\"beta\": 1, \"gamma\": 1} of dist, {\"beta\": 0.5} of jsd.",
      valueName: "json"))
  package var kdLossOptions: String?

  @Flag(
    inversion: .prefixedNo,
    help: "Compare logits by how far apart they lie, each row's scale taken out (default: no).")
  package var logitStandardization: Bool?

  @Option(
    help:
      "Factor of that loss (default: 1). The loss is multiplied by the temperature squared, after Hinton.")
  package var kdLossWeight: Double?

  @Option(help: "How that factor changes over the run (default: none).")
  package var kdLossWeightScheduler: WeightSchedule?

  @Option(help: "Factor of the loss on the labels (default: 0).")
  package var hardLabelWeight: Double?

  @Option(help: "How that factor changes over the run (default: none).")
  package var hardLabelWeightScheduler: WeightSchedule?

  @Flag(inversion: .prefixedNo, help: "Swap the teacher's largest logit with that of the true label.")
  package var probabilityShift: Bool?

  @Flag(
    inversion: .prefixedNo,
    help: ArgumentHelp(
      "Run the teacher once over the data and keep its answers: logits in memory; with --match, logits and layers in a "
        + "file of the run folder, deleted at the end (default: yes; with --match, if there is more than one epoch and "
        + "the file fits --max-cache-gb)."))
  package var cacheTeacherLogits: Bool?

  @Option(
    help: ArgumentHelp(
      "A loss between layers; may be given several times. A method such as minilmv2, emd or pkd_skip, a map of the "
        + "layers such as uniform, with another loss as uniform:cos, a preset such as L3_hidden_mse, or JSON such as "
        + "{\"layer_T\": 6, \"layer_S\": 3, \"loss\": \"hidden_mse\", \"weight\": 1, \"proj\": [\"linear\", 312, 768]}; "
        + "with module_T and module_S it compares named modules, such as encoder.layer.3.attention.output.",
      valueName: "match"))
  package var match: [String] = []

  @Option(help: "Follow TextBrewer's arithmetic where Potstill's own differs, T² first of all.")
  package var compatibility: Compatibility?

  package init() {}

  /// The configuration; what is wrong with it is found when it meets the models.
  ///
  /// - Parameter own: TextBrewer's keys that win over these options, such as those of one task of several.
  func config(overriddenBy own: JSONObject = JSONObject()) throws -> DistillationConfig {
    var object = try json()
    for (key, value) in own {
      let isMatch = ["match", "matches"].contains(key)
      object[isMatch ? "intermediate_matches" : key] = isMatch && value.arrayValue == nil ? [value] : value
    }
    if object["cache_teacher_logits"] == nil {
      // With matches the answers go to disk if they fit, which is seen when the data has been read.
      object["cache_teacher_logits"] = .bool((object["intermediate_matches"]?.arrayValue ?? []).isEmpty)
    }
    return DistillationConfig(json: .object(object))
  }

  /// The options that were given, under TextBrewer's keys.
  func json() throws -> JSONObject {
    var object = JSONObject()
    object["temperature"] = temperature.map { .double($0) }
    object["temperature_scheduler"] = try temperatureScheduler.map {
      try Self.value($0, "--temperature-scheduler")
    }
    object["kd_loss_type"] = kdLossType.map { .string($0.rawValue) }
    object["kd_loss_options"] = try kdLossOptions.map { try Self.value($0, "--kd-loss-options") }
    object["logit_standardization"] = logitStandardization.map { .bool($0) }
    object["kd_loss_weight"] = kdLossWeight.map { .double($0) }
    object["kd_loss_weight_scheduler"] = kdLossWeightScheduler.map { .string($0.rawValue) }
    object["hard_label_weight"] = hardLabelWeight.map { .double($0) }
    object["hard_label_weight_scheduler"] = hardLabelWeightScheduler.map { .string($0.rawValue) }
    object["probability_shift"] = probabilityShift.map { .bool($0) }
    object["compatibility"] = compatibility.map { .string($0.rawValue) }
    let matches = try match.flatMap { text in
      let value = try Self.value(text, "--match")
      return value.arrayValue ?? [value]
    }
    object["cache_teacher_logits"] = cacheTeacherLogits.map { .bool($0) }
    if !matches.isEmpty { object["intermediate_matches"] = .array(matches) }
    return object
  }

  /// The configuration as the run's recipe holds it.
  static func recipe(_ config: DistillationConfig) -> JSONObject {
    recipe(config.json.objectValue ?? JSONObject())
  }

  /// TextBrewer's keys as a recipe spells them.
  static func recipe(_ json: JSONObject) -> JSONObject {
    var object = json
    object["match"] = object["intermediate_matches"]
    object["intermediate_matches"] = nil
    if object["match"]?.arrayValue?.isEmpty == true { object["match"] = nil }
    return object
  }

  /// A name as it is, a structure parsed.
  private static func value(_ text: String, _ option: String) throws -> JSONValue {
    guard text.hasPrefix("{") || text.hasPrefix("[") else { return .string(text) }
    return try JSONValue(parsing: text, file: option)
  }
}
