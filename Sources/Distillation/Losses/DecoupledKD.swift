import Tensors

/// Decoupled knowledge distillation (Zhao and others 2022): α TCKD + β NCKD of each row.
///
/// With t the row's label, p the teacher's distribution and q the student's: TCKD = KL((p_t, 1 − p_t) ‖ (q_t, 1 − q_t)), and
/// NCKD = KL(p̂ ‖ q̂) of the distributions over the other classes. Plain distillation weighs the second with 1 − p_t, so a
/// confident teacher says little about the wrong classes. Of two classes one
/// is left, so there is no NCKD and this is plain distillation.
enum DecoupledKD {
  /// What a label's logit is lowered by to leave it out, as the authors' code does.
  private static let gap: Float = 1000

  /// - Parameters:
  ///   - student: The student's logits divided by the temperature, [rows, classes].
  ///   - teacher: The teacher's, the same shape; a constant.
  ///   - labels: The right class of each row, [rows]; the teacher's likeliest where it is negative or there are none.
  ///   - options: α and β, by default 1 and 8 as the authors' code has them.
  /// - Returns: The loss of each row, [rows, 1].
  static func rows(student: Tensor, teacher: Tensor, labels: [Int32]?, options: KDLossOptions) -> Tensor {
    let (alpha, beta) = (Float(options.alpha ?? 1), Float(options.beta ?? 8))
    let (target, others) = masks(teacher, labels)
    /// log p_t and log (1 − p_t), each [rows, 1].
    func parts(_ logits: Tensor) -> (right: Tensor, wrong: Tensor) {
      let p = logits.softmax()
      func log(_ mask: Tensor) -> Tensor {
        ((p * mask).sum(axis: -1, keepsDimension: true) + .leastNormalMagnitude).log()
      }
      return (log(target), log(others))
    }
    /// p log p/q of logarithms.
    func divergence(_ logP: Tensor, _ logQ: Tensor) -> Tensor { logP.exp() * (logP - logQ) }
    let (q, p) = (parts(student), parts(teacher))
    let tckd = divergence(p.right, q.right) + divergence(p.wrong, q.wrong)
    let gaps = gap * target
    let nckd = divergence((teacher - gaps).logSoftmax(), (student - gaps).logSoftmax())
      .sum(axis: -1, keepsDimension: true)
    return alpha * tckd + beta * nckd
  }

  /// 1 at the label of each row and 0 elsewhere, and the other way round, [rows, classes].
  private static func masks(_ teacher: Tensor, _ labels: [Int32]?) -> (target: Tensor, others: Tensor) {
    let (rows, classes, values) = (teacher.shape.rowCount, teacher.shape.lastDimension, teacher.values)
    var target = [Float](repeating: 0, count: rows * classes)
    for row in 0..<rows {
      let range = row * classes..<(row + 1) * classes
      let label = labels?[row] ?? -1
      let place = label >= 0 ? range.lowerBound + Int(label) : range.max { values[$0] < values[$1] }
      if let place { target[place] = 1 }
    }
    return (Tensor(target, shape: teacher.shape), Tensor(target.map { 1 - $0 }, shape: teacher.shape))
  }
}
