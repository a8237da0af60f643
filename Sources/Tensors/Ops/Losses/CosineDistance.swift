import CKernels
import Kernels

extension Tensor {
  /// Computes the mean over rows of 1 − cos(a, b).
  ///
  /// A pair with ‖a‖ ‖b‖ ≤ 1e-8 has no direction: it costs 1 and gets no gradient (PyTorch divides by 1e-8 there, whose
  /// derivative would swamp the rest of the batch).
  ///
  /// - Parameters:
  ///   - b: Rows of the same shape.
  /// - Returns: The mean distance, 0 ... 2, a scalar.
  public func cosineDistance(to other: Tensor) -> Tensor {
    let b = other
    let a = self
    precondition(
      a.shape == b.shape, "The cosine distance needs equal shapes, found \(a.shape) and \(b.shape).")
    let (rows, columns) = (a.shape.rowCount, a.shape.lastDimension)
    precondition(rows > 0, "The cosine distance of no rows is undefined.")
    let width = Int64(columns)
    // Per row: cosine, 1/(‖a‖‖b‖), 1/‖a‖², 1/‖b‖².
    var saved: [(cosine: Double, product: Double, a: Double, b: Double)] = []
    saved.reserveCapacity(rows)
    var total = 0.0
    for row in 0..<rows {
      let (x, y) = (a.pointer + row * columns, b.pointer + row * columns)
      let (xx, yy) = (ps_sum_squares(x, width), ps_sum_squares(y, width))
      let norms = (xx * yy).squareRoot()
      let product = norms > 1e-8 ? 1 / norms : 0
      let cosine = ps_dot(x, y, width) * product
      total += 1 - cosine
      saved.append((cosine, product, xx > 0 ? 1 / xx : 0, yy > 0 ? 1 / yy : 0))
    }
    let result = Tensor.result(Storage([Float(total / Double(rows))]), [], from: a, b)
    if let tape = result.tape {
      tape.record(result) { gradient in
        let factor = -Double(gradient.pointer[0]) / Double(rows)
        // d cos / da = b / (‖a‖‖b‖) − cos · a / ‖a‖²
        for (own, other, isA) in [(a, b, true), (b, a, false)] {
          own.slot?.accumulate { target in
            RowBlocks.rows(rows, columns: columns, as: .loss) { range in
              for row in range {
                let (start, values) = (row * columns, saved[row])
                ps_axpy(Float(factor * values.product), other.pointer + start, target + start, width)
                ps_axpy(
                  Float(-factor * values.cosine * (isA ? values.a : values.b)), own.pointer + start,
                  target + start, width)
              }
            }
          }
        }
      }
    }
    return result
  }
}
