import Tensors

/// β KL(p ‖ m) + (1 − β) KL(q ‖ m) of each row with m = β p + (1 − β) q, p the teacher's distribution and q the student's
/// (Agarwal and others 2024, GKD).
///
/// With β = ½, the default, it is symmetric. It is bounded (at ½ by log 2), so that single rows on which teacher and student
/// disagree do not drown the others.
enum JensenShannon {
  /// - Parameters:
  ///   - student: The student's logits divided by the temperature, [rows, classes].
  ///   - teacher: The teacher's, the same shape; a constant.
  ///   - options: β, more than 0 and less than 1.
  /// - Returns: The divergence of each row, [rows, 1].
  static func rows(student: Tensor, teacher: Tensor, options: KDLossOptions) -> Tensor {
    let β = Float(options.beta ?? 0.5)
    let (p, logP) = (teacher.softmax(), teacher.logSoftmax())
    let (q, logQ) = (student.softmax(), student.logSoftmax())
    // log m by way of log q and p/q would overflow; m itself is at least its share of the larger one.
    let logM = (β * p + (1 - β) * q + .leastNormalMagnitude).log()
    return (β * (p * (logP - logM)) + (1 - β) * (q * (logQ - logM))).sum(axis: -1, keepsDimension: true)
  }
}
