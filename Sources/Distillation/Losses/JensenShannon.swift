import Tensors

/// ½ KL(p ‖ m) + ½ KL(q ‖ m) of each row with m = ½ (p + q), p the teacher's distribution and q the student's.
///
/// Symmetric and at most log 2, so that single rows on which teacher and student disagree do not drown the others (Agarwal and
/// others 2024, GKD, with β = ½).
enum JensenShannon {
  /// - Parameters:
  ///   - student: The student's logits divided by the temperature, [rows, classes].
  ///   - teacher: The teacher's, the same shape; a constant.
  /// - Returns: The divergence of each row, [rows, 1].
  static func rows(student: Tensor, teacher: Tensor, in context: Context) -> Tensor {
    let (q, logQ) = (softmax(student, in: context), logSoftmax(student, in: context))
    let (p, logP) = (softmax(teacher, in: .inference), logSoftmax(teacher, in: .inference))
    // log m = log ½ + log q + log(1 + p/q) would overflow; m itself is at least half of the larger one.
    let tiny = Tensor([Float.leastNormalMagnitude], shape: [1])
    let mean = scale(add(p, q, in: context), by: 0.5, in: context)
    let logM = log(add(mean, tiny, in: context), in: context)
    let ofTeacher = multiply(p, subtract(logP, logM, in: context), in: context)
    let ofStudent = multiply(q, subtract(logQ, logM, in: context), in: context)
    let both = scale(add(ofTeacher, ofStudent, in: context), by: 0.5, in: context)
    return sum(both, axis: -1, keepsDimension: true, in: context)
  }
}
