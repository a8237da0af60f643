import CKernels
import Kernels

extension Tensor {
  /// Views consecutive rows of a tensor without copying them; backward adds the gradient to those rows.
  ///
  /// - Parameters:
  ///   - rows: The rows to view, inside 0 ..< n.
  /// - Returns: The rows, [rows.count, ...].
  public func rows(_ rows: Range<Int>) -> Tensor {
    let x = self
    precondition(x.shape.rank >= 1, "A scalar has no rows to slice.")
    precondition(
      rows.lowerBound >= 0 && rows.upperBound <= x.shape[0],
      "Rows \(rows) do not exist in a tensor of shape \(x.shape).")
    let width = x.shape.dimensions.dropFirst().reduce(1, *)
    let (offset, count) = (rows.lowerBound * width, rows.count * width)
    let shape = Shape([rows.count] + x.shape.dimensions.dropFirst())
    let result = Tensor.result(x.storage.slice(offset, count), shape, from: x)
    if let tape = result.tape {
      tape.record(result) { gradient in
        x.slot?.accumulate { target in
          RowBlocks.elements(count) { start, length in
            let destination = target + offset + start
            ps_add(destination, gradient.pointer + start, destination, length)
          }
        }
      }
    }
    return result
  }
}
