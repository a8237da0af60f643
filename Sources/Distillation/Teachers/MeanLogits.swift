import Foundation
import Tasks
import Tensors

/// The logits of a teacher that is the mean of several.
package enum MeanLogits {
  /// Σ w_k z_k.
  package static func ofLogits(_ members: [Tensor], shares: [Double]) -> Tensor {
    var sums = [Double](repeating: 0, count: members[0].count)
    for (member, share) in zip(members, shares) {
      for (index, value) in member.values.enumerated() { sums[index] += share * Double(value) }
    }
    return Tensor(sums.map { Float($0) }, shape: members[0].shape)
  }

  /// τ log p with p = Σ w_k softmax(z_k/τ), logits that give the mean distribution back at temperature τ.
  ///
  /// Where labels hold side by side, τ (log p − log (1 − p)) with p = Σ w_k σ(z_k/τ). Computed from logarithms, so that a
  /// class which every teacher rules out stays finite.
  ///
  /// - Parameters:
  ///   - members: The logits of each teacher, of one shape.
  ///   - shares: w_k > 0, which add up to 1.
  ///   - kind: What the logits mean; not `values`.
  ///   - temperature: τ > 0.
  package static func ofProbabilities(
    _ members: [Tensor], shares: [Double], kind: LogitsKind, temperature: Double
  ) -> Tensor {
    let shape = members[0].shape
    let scaled = members.map { member in member.values.map { Double($0) / temperature } }
    let logShares = shares.map { log($0) }
    var result = [Float](repeating: 0, count: shape.count)
    let rows: [Range<Int>]
    switch kind {
    case .values: preconditionFailure("Numbers have no probabilities to average.")
    case .independentLabels:
      for index in result.indices {
        let terms = zip(scaled, logShares)
        let yes = logSumExp(terms.map { $1 - softplus(-$0[index]) })
        let no = logSumExp(terms.map { $1 - softplus($0[index]) })
        result[index] = Float(temperature * (yes - no))
      }
      return Tensor(result, shape: shape)
    case .classes:
      let width = shape.lastDimension
      rows = (0..<shape.rowCount).map { $0 * width..<($0 + 1) * width }
    case .positions(let starts):
      rows = zip(starts, starts.dropFirst()).map { Int($0)..<Int($1) }
    }
    for row in rows {
      let norms = zip(scaled, logShares).map { $1 - logSumExp($0[row]) }
      for index in row {
        result[index] = Float(temperature * logSumExp(zip(scaled, norms).map { $0[index] + $1 }))
      }
    }
    return Tensor(result, shape: shape)
  }

  /// The columns of [rows, classes] in another order: column j is what column order[j] was.
  static func columns(_ logits: Tensor, _ order: [Int]) -> Tensor {
    let (values, width) = (logits.values, logits.shape.lastDimension)
    precondition(order.count == width, "An order of \(order.count) outputs does not fit \(logits.shape).")
    let ordered = stride(from: 0, to: values.count, by: width).flatMap { start in
      order.map { values[start + $0] }
    }
    return Tensor(ordered, shape: logits.shape)
  }

  private static func logSumExp(_ values: some Collection<Double>) -> Double {
    let highest = values.max() ?? 0
    return highest + log(values.reduce(0) { $0 + exp($1 - highest) })
  }

  /// log (1 + exp x).
  private static func softplus(_ x: Double) -> Double { max(x, 0) + log1p(exp(-abs(x))) }
}
