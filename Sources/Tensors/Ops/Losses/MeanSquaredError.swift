import CKernels
import Kernels

extension Tensor {
  /// Computes the mean over all elements of (a − b)².
  ///
  /// da = 2 (a − b) / n, db = −da.
  ///
  /// - Parameters:
  ///   - b: Another of the same shape.
  /// - Returns: The mean, a scalar.
  public func meanSquaredError(to other: Tensor) -> Tensor {
    let b = other
    let a = self
    precondition(
      a.shape == b.shape, "The mean squared error needs equal shapes, found \(a.shape) and \(b.shape).")
    precondition(a.count > 0, "The mean squared error of nothing is undefined.")
    let count = a.count
    let difference = Storage(uninitialized: count)
    RowBlocks.elements(count, as: .loss) {
      ps_subtract(a.pointer + $0, b.pointer + $0, difference.pointer + $0, $1)
    }
    let mean = ps_sum_squares(difference.pointer, Int64(count)) / Double(count)
    let result = Tensor.result(Storage([Float(mean)]), [], from: a, b)
    if let tape = result.tape {
      tape.record(result) { gradient in
        let factor = 2 * gradient.pointer[0] / Float(count)
        for (input, sign) in [(a, Float(1)), (b, Float(-1))] {
          input.slot?.contribute { target, isFirst in
            RowBlocks.elements(count, as: .loss) { offset, length in
              if isFirst {
                ps_scale(difference.pointer + offset, sign * factor, target + offset, length)
              } else {
                ps_axpy(sign * factor, difference.pointer + offset, target + offset, length)
              }
            }
          }
        }
      }
    }
    return result
  }
}
