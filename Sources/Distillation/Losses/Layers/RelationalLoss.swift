import Tensors

/// Relational knowledge distillation (Park and others 2019): how the sequences of a batch lie to each other, seen at their
/// first tokens.
///
/// With h the smooth L1 loss, averaged over all pairs or triples of the batch:
/// - `rkd_distance`: h(‖sᵢ − sⱼ‖ / μ_S − ‖tᵢ − tⱼ‖ / μ_T), μ the mean distance of different sequences;
/// - `rkd_angle`: h(cos ∠ sⱼ sᵢ s_k − cos ∠ tⱼ tᵢ t_k), the angle at the sequence i.
///
/// Neither depends on width or scale, so no projection is needed. The authors weigh distances 25 and angles 50, and a batch
/// needs several sequences.
enum RelationalLoss {
  /// - Parameters:
  ///   - student: The student's states, [sequences, D].
  ///   - teacher: The teacher's, [sequences, D'], constants.
  /// - Returns: The loss of distances, a scalar.
  static func distance(student: Tensor, teacher: Tensor) -> Tensor {
    func distances(_ x: Tensor) -> Tensor? {
      let all = Tensor.concatenate((0..<x.shape[0]).map { differences(x, from: $0).lengths })
      let count = all.values.count { $0 > 0 }
      guard count > 0 else { return nil }
      return all / (all.sum() / Float(count)).reshaped([1, 1])
    }
    guard let own = distances(student), let other = distances(teacher) else { return Tensor(0) }
    return smoothL1(own, other)
  }

  /// - Parameters:
  ///   - student: The student's states, [sequences, D].
  ///   - teacher: The teacher's, [sequences, D'], constants.
  /// - Returns: The loss of angles, a scalar.
  static func angle(student: Tensor, teacher: Tensor) -> Tensor {
    func cosines(_ x: Tensor, at anchor: Int) -> Tensor {
      let directions = differences(x, from: anchor).directions
      return directions.matmul(directions, transposingSecond: true)
    }
    let count = student.shape[0]
    return weightedSum([Float](repeating: 1 / Float(count), count: count)) { anchor in
      smoothL1(cosines(student, at: anchor), cosines(teacher, at: anchor))
    }
  }

  /// How far, and in which direction, all rows lie from one of them.
  private static func differences(_ x: Tensor, from anchor: Int) -> UnitRows {
    UnitRows(x - x.rows(anchor..<anchor + 1))
  }

  /// The mean of d²/2 where |d| < 1 and |d| − 1/2 elsewhere, d = a − b.
  private static func smoothL1(_ a: Tensor, _ b: Tensor) -> Tensor {
    let difference = a - b
    let values = difference.values
    func constant(_ value: (Float) -> Float) -> Tensor { Tensor(values.map(value), shape: difference.shape) }
    let curved = difference * difference * constant { abs($0) < 1 ? 0.5 : 0 }
    let straight =
      difference * constant { abs($0) < 1 ? 0 : ($0 > 0 ? 1 : -1) } - constant { abs($0) < 1 ? 0 : 0.5 }
    return (curved + straight).mean()
  }
}
