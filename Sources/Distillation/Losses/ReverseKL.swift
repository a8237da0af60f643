import Tensors

/// KL(q ‖ p) = Σ q (log q − log p) of each row, with p the teacher's distribution and q the student's.
///
/// The usual direction makes a small student spread over everything that the teacher finds possible; this one lets it choose
/// (Gu and others 2024, MiniLLM, for generators). `JensenShannon` tends to (1 − β) times this
/// as β nears 1.
enum ReverseKL {
  /// - Parameters:
  ///   - student: The student's logits divided by the temperature, [rows, classes].
  ///   - teacher: The teacher's, the same shape; a constant.
  /// - Returns: The divergence of each row, [rows, 1].
  static func rows(student: Tensor, teacher: Tensor) -> Tensor {
    let (q, logQ, logP) = (student.softmax(), student.logSoftmax(), teacher.logSoftmax())
    return (q * (logQ - logP)).sum(axis: -1, keepsDimension: true)
  }
}
