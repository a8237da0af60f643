import Tensors

/// z ← (z − mean z) / (std z + 1e-7) of each row (Sun and others 2024), the standard deviation with n − 1.
///
/// Teacher and student then only have to agree on which classes lie how far apart, whatever the scale of their logits.
enum LogitStandardization {
  /// The standardised logits, [rows, classes].
  static func rows(_ logits: Tensor, in context: Context) -> Tensor {
    let classes = Float(logits.shape.lastDimension)
    let centred = subtract(
      logits, mean(logits, axis: -1, keepsDimension: true, in: context), in: context)
    let squares = sum(multiply(centred, centred, in: context), axis: -1, keepsDimension: true, in: context)
    // A row of equal logits has no deviation to divide by, and the root there no derivative.
    let variance = add(
      scale(squares, by: 1 / max(1, classes - 1), in: context), Tensor([1e-30], shape: [1]), in: context)
    return divide(
      centred, add(sqrt(variance, in: context), Tensor([1e-7], shape: [1]), in: context), in: context)
  }
}
