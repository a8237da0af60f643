import Tensors

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
