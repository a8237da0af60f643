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
  static func rows(
    student: Tensor, teacher: Tensor, options: KDLossOptions, in context: Context
  ) -> Tensor {
    let beta = Float(options.beta ?? 0.5)
    let (q, logQ) = (softmax(student, in: context), logSoftmax(student, in: context))
    let (p, logP) = (softmax(teacher, in: .inference), logSoftmax(teacher, in: .inference))
    // log m by way of log q and p/q would overflow; m itself is at least its share of the larger one.
    let tiny = Tensor([Float.leastNormalMagnitude], shape: [1])
    let mean = add(scale(p, by: beta, in: .inference), scale(q, by: 1 - beta, in: context), in: context)
    let logM = log(add(mean, tiny, in: context), in: context)
    let ofTeacher = multiply(p, subtract(logP, logM, in: context), in: context)
    let ofStudent = multiply(q, subtract(logQ, logM, in: context), in: context)
    let both = add(
      scale(ofTeacher, by: beta, in: context), scale(ofStudent, by: 1 - beta, in: context), in: context)
    return sum(both, axis: -1, keepsDimension: true, in: context)
  }
}
