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
    let names = name == "flsw" ? ["beta", "gamma"] : name == "cwsm" ? ["beta"] : []
    guard let options = temperatureOptions(value, of: name, names, &reader) else { return nil }
    switch name {
    case "flsw": return .flsw(beta: options[0], gamma: options[1])
    case "cwsm": return .cwsm(beta: options[0])
    default: return .constant
    }
  }

  /// The numbers behind a schedule's name, in a list or as members of an object.
  private static func temperatureOptions(
    _ value: JSONValue, of schedule: String, _ names: [String], _ reader: inout ConfigReader
  ) -> [Double]? {
    let key = "temperature_scheduler"
    let rest = value.arrayValue?.dropFirst() ?? []
    let example = "write [\"\(schedule)\"\(names.indices.map { ", \($0 + 1)" }.joined())]"
    let missing = "\(schedule) needs \(names.joined(separator: " and ")); \(example)"
    if rest.count == 1, let object = rest.first?.objectValue {
      var members = ConfigReader(object, path: reader.field(key))
      let numbers = names.compactMap { members.number($0) }
      members.rejectUnknown()
      reader.add(members.faults)
      if numbers.count < names.count, members.faults.isEmpty { reader.add(key, missing) }
      return numbers.count == names.count ? numbers : nil
    }
    let numbers = rest.compactMap(\.doubleValue)
    if numbers.count == names.count, rest.count == names.count { return numbers }
    reader.add(
      key,
      rest.count > names.count
        ? "found \(rest.count) options, expected \(names.count) of \(schedule); \(example)" : missing)
    return nil
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
