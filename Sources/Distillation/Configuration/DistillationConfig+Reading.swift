import Foundation
import ModelFormats

extension DistillationConfig {
  /// Reads a configuration with TextBrewer's keys from a JSON tree; what is wrong ends up in `readingFaults`.
  ///
  /// - Parameters:
  ///   - json: An object; missing keys take their defaults.
  ///   - path: What precedes every key in messages, such as `distillation`.
  public init(json: JSONValue, path: String = "") {
    self.init()
    guard let object = json.objectValue else {
      readingFaults = [
        DistillationFault(
          path.isEmpty ? "configuration" : path, "found \(describe(json)), expected keys such as temperature")
      ]
      return
    }
    var reader = ConfigReader(object, path: path)
    temperature = reader.number("temperature") ?? temperature
    temperatureSchedule = Self.temperatureSchedule(&reader) ?? .constant
    kdLossType = reader.choice("kd_loss_type") ?? kdLossType
    kdLossOptions = Self.kdLossOptions(&reader)
    logitStandardization = reader.truth("logit_standardization") ?? false
    kdLossWeight = reader.number("kd_loss_weight") ?? kdLossWeight
    kdLossWeightSchedule = reader.choice("kd_loss_weight_scheduler") ?? .none
    hardLabelWeight = reader.number("hard_label_weight") ?? hardLabelWeight
    hardLabelWeightSchedule = reader.choice("hard_label_weight_scheduler") ?? .none
    probabilityShift = reader.truth("probability_shift") ?? false
    let textBrewerCaching = reader.truth("is_caching_logits")
    cacheTeacherLogits = reader.truth("cache_teacher_logits") ?? textBrewerCaching ?? false
    compatibility = reader.choice("compatibility")
    for key in ["intermediate_matches", "matches"] {
      guard let value = reader.value(key) else { continue }
      // A single name or match needs no list around it.
      for (index, entry) in (value.arrayValue ?? [value]).enumerated() {
        var entries = MatchReader(entry, path: reader.field("\(key)[\(index)]"))
        if let source = entries.read() {
          matches.append(source)
        } else {
          unreadableMatches.append(index)
        }
        reader.add(entries.faults)
      }
    }
    reader.rejectUnknown()
    readingFaults = reader.faults
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

  private static func kdLossOptions(_ reader: inout ConfigReader) -> KDLossOptions {
    guard let value = reader.value("kd_loss_options") else { return KDLossOptions() }
    guard let object = value.objectValue else {
      reader.add("kd_loss_options", "found \(describe(value)), expected members such as \"beta\": 8")
      return KDLossOptions()
    }
    var members = ConfigReader(object, path: reader.field("kd_loss_options"))
    let options = KDLossOptions(
      alpha: members.number("alpha"), beta: members.number("beta"), gamma: members.number("gamma"))
    members.rejectUnknown()
    reader.add(members.faults)
    return options
  }

  private static func temperatureSchedule(_ reader: inout ConfigReader) -> TemperatureSchedule? {
    let key = "temperature_scheduler"
    guard let value = reader.value(key) else { return nil }
    let name = value.stringValue ?? value[0]?.stringValue
    guard let name, TemperatureSchedule.names.contains(name) else {
      reader.add(key, reader.unknown(value[0] ?? value, among: TemperatureSchedule.names))
      return nil
    }
    let options = value[1]?.objectValue
    func option(_ name: String, _ position: Int) -> Double? {
      (options.map { $0[name] } ?? value[position])?.doubleValue
    }
    switch name {
    case "flsw":
      if let beta = option("beta", 1), let gamma = option("gamma", 2) {
        return .flsw(beta: beta, gamma: gamma)
      }
      reader.add(key, "flsw needs beta and gamma; write [\"flsw\", 1, 2]")
      return nil
    case "cwsm":
      if let beta = option("beta", 1) { return .cwsm(beta: beta) }
      reader.add(key, "cwsm needs beta; write [\"cwsm\", 1]")
      return nil
    default: return .constant
    }
  }
}

extension DistillationConfig: Codable {
  /// Decodes from any format; never throws for wrong content, which ends up in `readingFaults`.
  public init(from decoder: any Decoder) throws {
    self.init(json: try DecodedJSON(from: decoder).value)
  }

  /// Encodes every key that differs from a missing one, under TextBrewer's names.
  public func encode(to encoder: any Encoder) throws {
    try DecodedJSON(value: json).encode(to: encoder)
  }
}
