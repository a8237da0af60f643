import Tensors

/// Decoupled knowledge distillation (Zhao and others 2022): α TCKD + β NCKD of each row.
///
/// With t the row's label, p the teacher's distribution and q the student's: TCKD = KL((p_t, 1 − p_t) ‖ (q_t, 1 − q_t)), and
/// NCKD = KL(p̂ ‖ q̂) of the distributions over the other classes. Plain distillation weighs the second with 1 − p_t, so a
/// confident teacher says little about the wrong classes. Of two classes one
/// is left, so there is no NCKD and this is plain distillation.
enum DecoupledKD {
  /// Amount by which a label's logit is lowered to leave it out, as the authors' code does.
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

/// DIST (Huang and others 2022): β (1 − mean over rows of ρ(pᵢ, qᵢ)) + γ (1 − mean over classes of ρ(p·ⱼ, q·ⱼ)).
///
/// ρ is Pearson's correlation, p the teacher's distributions and q the student's. The student has to put the classes of a row,
/// and the rows of a batch for a class, in the teacher's proportions, not to copy its probabilities: a teacher much better
/// than the student asks less of it. The second part needs batches of several rows.
enum DISTLoss {
  /// - Parameters:
  ///   - student: The student's logits divided by the temperature, [rows, classes].
  ///   - teacher: The teacher's, the same shape; a constant.
  ///   - options: β and γ, by default 1 as in the paper.
  /// - Returns: The loss, a scalar.
  static func batch(student: Tensor, teacher: Tensor, options: KDLossOptions) -> Tensor {
    let (q, p) = (student.softmax(), teacher.softmax())
    let (withinRows, withinClasses) = (
      1 - correlation(q, p, axis: -1).mean(), 1 - correlation(q, p, axis: 0).mean()
    )
    return Float(options.beta ?? 1) * withinRows + Float(options.gamma ?? 1) * withinClasses
  }

  /// Pearson's correlation along an axis; 0 where nothing varies.
  private static func correlation(_ q: Tensor, _ p: Tensor, axis: Int) -> Tensor {
    func sum(_ x: Tensor) -> Tensor { x.sum(axis: axis, keepsDimension: true) }
    let a = q - q.mean(axis: axis, keepsDimension: true)
    let b = p - p.mean(axis: axis, keepsDimension: true)
    // The first addition keeps the root's derivative finite, the second is the authors' 1e-8.
    let lengths = (sum(a * a) * sum(b * b) + 1e-30).sqrt() + 1e-8
    return sum(a * b) / lengths
  }
}

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

/// z ← (z − mean z) / (std z + 1e-7) of each row (Sun and others 2024), the standard deviation with n − 1.
///
/// Teacher and student then only have to agree on which classes lie how far apart, whatever the scale of their logits.
enum LogitStandardization {
  /// The standardised logits, [rows, classes].
  static func rows(_ logits: Tensor) -> Tensor {
    let others = max(1, Float(logits.shape.lastDimension) - 1)
    let centred = logits - logits.mean(axis: -1, keepsDimension: true)
    // A row of equal logits has no deviation to divide by, and the root there no derivative.
    let variance = (centred * centred).sum(axis: -1, keepsDimension: true) / others + 1e-30
    return centred / (variance.sqrt() + 1e-7)
  }
}
