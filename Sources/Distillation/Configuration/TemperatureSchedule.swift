import Foundation
import ModelFormats
import Tensors

/// Schedule of the temperature by the logits; TextBrewer's `TEMPERATURE_SCHEDULER`.
///
/// After Wen et al. 2019 (arXiv 1911.07471): `flsw` and `cwsm` give every row a temperature of its own, τ = τ₀ + (mean of w − w) β, with
/// - `flsw`: w = (1 − v·t)^γ, v and t the logits of student and teacher divided by their norm + 1e-4;
/// - `cwsm`: w = 1 / (max softmax(z_S) + 1e-3).
///
/// Temperatures are kept at 1 % of τ₀ or more, since nothing in the formula keeps them positive.
public enum TemperatureSchedule: Sendable, Equatable {
  /// Always the configured temperature; written `none` or `constant`.
  case constant
  /// Focal-loss-style weights.
  case flsw(beta: Double, gamma: Double)
  /// Confidence weights.
  case cwsm(beta: Double)

  /// The names in configurations.
  public static let names = ["none", "constant", "flsw", "cwsm"]

  /// Faults that keep the schedule from being used.
  var faults: [Fault] {
    let key = "temperature_scheduler"
    // Beyond these the temperature of a row leaves single precision.
    let betas = -1e6...1e6
    switch self {
    case .constant: return []
    case .cwsm(let beta):
      return betas.contains(beta)
        ? [] : [Fault(key, "found beta \(beta), expected a number from -1000000 to 1000000")]
    case .flsw(let beta, let gamma):
      return betas.contains(beta) && (0...10).contains(gamma)
        ? []
        : [
          Fault(
            key,
            "found beta \(beta) and gamma \(gamma), expected gamma of at least 0, at most 10, and beta from -1000000 to "
              + "1000000")
        ]
    }
  }

  /// The temperature of each row, nil when one temperature serves all.
  ///
  /// - Parameters:
  ///   - student: The student's logits, [rows, classes].
  ///   - teacher: The teacher's logits, [rows, classes].
  ///   - base: τ₀.
  public func temperatures(student: Tensor, teacher: Tensor, base: Double) -> [Float]? {
    let classes = student.shape.lastDimension
    let (own, other) = (student.values, teacher.values)
    let row = { (values: [Float], index: Int) in
      values[index * classes..<(index + 1) * classes].map(Double.init)
    }
    let (weights, beta): ([Double], Double)
    switch self {
    case .constant: return nil
    case .flsw(let factor, let gamma):
      beta = factor
      weights = (0..<student.shape.rowCount).map { index in
        let (v, t) = (row(own, index), row(other, index))
        let cosine = zip(v, t).reduce(0) { $0 + $1.0 * $1.1 } / ((norm(v) + 1e-4) * (norm(t) + 1e-4))
        return pow(max(0, 1 - cosine), gamma)
      }
    case .cwsm(let factor):
      beta = factor
      weights = (0..<student.shape.rowCount).map { index in
        let v = row(own, index)
        let largest = v.max() ?? 0
        let probability = 1 / v.reduce(0) { $0 + Foundation.exp($1 - largest) }
        return 1 / (probability + 1e-3)
      }
    }
    let mean = weights.reduce(0, +) / Double(max(1, weights.count))
    return weights.map { Float(max(base * 0.01, base + (mean - $0) * beta)) }
  }

  private func norm(_ values: [Double]) -> Double { values.reduce(0) { $0 + $1 * $1 }.squareRoot() }
}

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
