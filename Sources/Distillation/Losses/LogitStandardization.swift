import Tensors

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
