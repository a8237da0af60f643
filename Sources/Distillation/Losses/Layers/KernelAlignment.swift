import Tensors

extension LayerLoss {
  /// Centred kernel alignment: 1 − CKA of the hidden states of all tokens of a batch; see `KernelAlignment`.
  static let cka = LayerLoss(
    .hidden { KernelAlignment.distance(student: $0.student[0], teacher: $0.teacher[0]) }, mean: nil)
}

/// Centred kernel alignment of two sets of rows, linear form (Kornblith and others 2019, *Similarity of Neural Network
/// Representations Revisited*).
///
/// With the columns of X and Y centred, CKA = ‖XᵀY‖² / (‖XᵀX‖ ‖YᵀY‖) in Frobenius norms: 1 where one is a rotation and scaling
/// of the other, 0 where no feature of one goes with any of the other. It depends on neither width nor scale, so no projection
/// is needed, and relates all rows of a batch to each other.
enum KernelAlignment {
  /// 1 − CKA, a scalar; 0 where all rows of one side are equal.
  ///
  /// - Parameters:
  ///   - student: The student's states, [rows, D].
  ///   - teacher: The teacher's, [rows, D'], constants.
  static func distance(student: Tensor, teacher: Tensor) -> Tensor {
    guard let own = centred(student), let other = centred(teacher) else { return Tensor(0) }
    let norms = energy(own, own).sqrt() * energy(other, other).sqrt()
    guard norms.item > 0 else { return Tensor(0) }
    return 1 - energy(own, other) / norms
  }

  /// ‖XᵀY‖², a scalar.
  private static func energy(_ x: Tensor, _ y: Tensor) -> Tensor {
    let products = x.matmul(y, transposingFirst: true)
    return (products * products).sum()
  }

  /// The rows around their mean, divided by their largest deviation, which CKA does not see and single precision likes; nil
  /// where all rows are equal.
  private static func centred(_ x: Tensor) -> Tensor? {
    let rows = x - x.mean(axis: 0, keepsDimension: true)
    let largest = rows.values.reduce(0) { max($0, abs($1)) }
    return largest > 0 ? rows / largest : nil
  }
}
