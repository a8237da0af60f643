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
  static func batch(
    student: Tensor, teacher: Tensor, options: KDLossOptions, in context: Context
  ) -> Tensor {
    let (q, p) = (softmax(student, in: context), softmax(teacher, in: .inference))
    let distances = [(-1, options.beta ?? 1), (0, options.gamma ?? 1)].map { axis, weight in
      let correlation = mean(Self.correlation(q, p, axis: axis, in: context), in: context)
      let distance = subtract(Tensor([1], shape: correlation.shape), correlation, in: context)
      return weight == 1 ? distance : scale(distance, by: Float(weight), in: context)
    }
    return add(distances[0], distances[1], in: context)
  }

  /// Pearson's correlation along an axis; 0 where nothing varies.
  private static func correlation(_ q: Tensor, _ p: Tensor, axis: Int, in context: Context) -> Tensor {
    func centred(_ x: Tensor, in context: Context) -> Tensor {
      subtract(x, mean(x, axis: axis, keepsDimension: true, in: context), in: context)
    }
    func product(_ a: Tensor, _ b: Tensor) -> Tensor {
      sum(multiply(a, b, in: context), axis: axis, keepsDimension: true, in: context)
    }
    let (a, b) = (centred(q, in: context), centred(p, in: .inference))
    // The first addition keeps the root's derivative finite, the second is the authors' 1e-8.
    let inside = add(
      multiply(product(a, a), product(b, b), in: context), Tensor([1e-30], shape: [1]), in: context)
    let lengths = add(sqrt(inside, in: context), Tensor([1e-8], shape: [1]), in: context)
    return divide(product(a, b), lengths, in: context)
  }
}
