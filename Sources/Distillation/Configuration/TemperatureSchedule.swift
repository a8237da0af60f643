import Foundation
import ModelFormats
import Tensors

/// How the temperature depends on the logits; TextBrewer's `TEMPERATURE_SCHEDULER`.
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

  /// What keeps the schedule from being used.
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
