import ArgumentParser
import Distillation
import ModelFormats

extension KDLossType: ExpressibleByArgument {}
extension Compatibility: ExpressibleByArgument {}
extension WeightSchedule: ExpressibleByArgument {}

/// Options of the losses, under the names of TextBrewer's DistillationConfig.
package struct DistillationOptions: ParsableArguments {
  @Option(help: .distillation(\.temperature, default: "4"))
  package var temperature: Double?

  @Option(help: .distillation(\.temperatureSchedule))
  package var temperatureScheduler: JSONArgument?

  @Option(help: .distillation(\.kdLossType, default: "ce"))
  package var kdLossType: KDLossType?

  @Option(help: .distillation(\.kdLossOptions, valueName: "json"))
  package var kdLossOptions: JSONArgument?

  @Flag(inversion: .prefixedNo, help: .distillation(\.logitStandardization, default: "no"))
  package var logitStandardization: Bool?

  @Option(
    help: .distillation(
      \.kdLossWeight, default: "1", "The loss is multiplied by the temperature squared, after Hinton."))
  package var kdLossWeight: Double?

  @Option(help: .distillation(\.kdLossWeightSchedule, default: "none"))
  package var kdLossWeightScheduler: WeightSchedule?

  @Option(help: .distillation(\.hardLabelWeight, default: "0"))
  package var hardLabelWeight: Double?

  @Option(help: .distillation(\.hardLabelWeightSchedule, default: "none"))
  package var hardLabelWeightScheduler: WeightSchedule?

  @Flag(inversion: .prefixedNo, help: .distillation(\.probabilityShift))
  package var probabilityShift: Bool?

  @Flag(
    inversion: .prefixedNo,
    help: .distillation(
      \.cacheTeacherLogits,
      default: "yes; with --match, if there is more than one epoch and the file fits --max-cache-gb"))
  package var cacheTeacherLogits: Bool?

  @Option(help: .distillation(\.matches, valueName: "match"))
  package var match: [JSONArgument] = []

  @Option(help: .distillation(\.compatibility))
  package var compatibility: Compatibility?

  package init() {}

  /// The configuration; its faults are found when it is checked against the models.
  ///
  /// - Parameter own: TextBrewer's keys that win over these options, such as those of one task of several.
  package func config(overriddenBy own: JSONObject = JSONObject()) throws -> DistillationConfig {
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
  package func json() throws -> JSONObject {
    var object = try given()
    object["intermediate_matches"] = object["match"]
    object["match"] = nil
    return object
  }

  /// TextBrewer's keys as a recipe spells them.
  package static func recipe(_ json: JSONObject) -> JSONObject {
    var object = json
    object["match"] = object["intermediate_matches"]
    object["intermediate_matches"] = nil
    if object["match"]?.arrayValue?.isEmpty == true { object["match"] = nil }
    return object
  }
}

extension ArgumentHelp {
  /// The help of a setting of a distillation.
  ///
  /// - Parameters:
  ///   - path: The setting.
  ///   - usual: The default in words.
  ///   - more: A further sentence.
  ///   - valueName: The placeholder of the value.
  package static func distillation(
    _ path: PartialKeyPath<DistillationConfig>, default usual: String? = nil, _ more: String? = nil,
    valueName: String? = nil
  ) -> ArgumentHelp {
    let help = DistillationConfig.settings.help(path, default: usual) + (more.map { " " + $0 } ?? "")
    return ArgumentHelp(help, valueName: valueName)
  }
}
