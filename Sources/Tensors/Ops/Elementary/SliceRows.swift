import CKernels
import Kernels

/// Views consecutive rows of a tensor without copying them; backward adds the gradient to those rows.
///
/// - Parameters:
///   - x: Rows, [n, ...].
///   - rows: The rows to view, inside 0 ..< n.
///   - context: The pass this is part of.
/// - Returns: The rows, [rows.count, ...].
public func sliceRows(_ x: Tensor, _ rows: Range<Int>, in context: Context) -> Tensor {
  precondition(x.shape.rank >= 1, "A scalar has no rows to slice.")
  precondition(
    rows.lowerBound >= 0 && rows.upperBound <= x.shape[0],
    "Rows \(rows) do not exist in a tensor of shape \(x.shape).")
  let width = x.shape.dimensions.dropFirst().reduce(1, *)
  let (offset, count) = (rows.lowerBound * width, rows.count * width)
  let shape = Shape([rows.count] + x.shape.dimensions.dropFirst())
  let result = context.result(x.storage.slice(offset, count), shape, from: [x])
  if let slot = result.slot {
    context.tape?.record(slot) { gradient in
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
