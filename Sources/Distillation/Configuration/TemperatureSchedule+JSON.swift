import ModelFormats

extension TemperatureSchedule {
  /// The name of the setting.
  static let key = "temperature_scheduler"

  /// Reads the schedule of a configuration; nil when it is missing or cannot be read.
  init?(_ reader: inout FieldReader) {
    guard let value = reader.value(Self.key) else { return nil }
    let name = value.stringValue ?? value[0]?.stringValue
    guard let name, Self.names.contains(name) else {
      reader.add(Self.key, FieldReader.unknown(value[0] ?? value, among: Self.names))
      return nil
    }
    let names = name == "flsw" ? ["beta", "gamma"] : name == "cwsm" ? ["beta"] : []
    guard let options = Self.options(value, of: name, names, &reader) else { return nil }
    switch name {
    case "flsw": self = .flsw(beta: options[0], gamma: options[1])
    case "cwsm": self = .cwsm(beta: options[0])
    default: self = .constant
    }
  }

  /// The numbers behind a schedule's name, in a list or as members of an object.
  private static func options(
    _ value: JSONValue, of schedule: String, _ names: [String], _ reader: inout FieldReader
  ) -> [Double]? {
    let rest = value.arrayValue?.dropFirst() ?? []
    let example = "write [\"\(schedule)\"\(names.indices.map { ", \($0 + 1)" }.joined())]"
    let missing = "\(schedule) needs \(names.joined(separator: " and ")); \(example)"
    if rest.count == 1, let object = rest.first?.objectValue {
      var members = FieldReader(object, path: reader.field(key))
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

  /// The schedule as a configuration spells it.
  var json: JSONValue {
    switch self {
    case .constant: "none"
    case .flsw(let beta, let gamma): ["flsw", .number(beta), .number(gamma)]
    case .cwsm(let beta): ["cwsm", .number(beta)]
    }
  }
}
