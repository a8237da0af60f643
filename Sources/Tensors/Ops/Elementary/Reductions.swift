import CKernels
import Kernels

/// Computes the sum of all elements.
///
/// - Parameters:
///   - x: Any shape.
///   - context: The pass this is part of.
/// - Returns: The sum, a scalar.
public func sum(_ x: Tensor, in context: Context) -> Tensor {
  let result = context.result(Storage([Float(ps_sum(x.pointer, Int64(x.count)))]), [], from: [x])
  if let slot = result.slot {
    context.tape?.record(slot) { gradient in
      x.slot?.accumulate { target in
        let value = gradient.pointer[0]
        for index in 0..<x.count { target[index] += value }
      }
    }
  }
  return result
}

/// Computes the mean of all elements.
///
/// - Parameters:
///   - x: Any shape with at least one element.
///   - context: The pass this is part of.
/// - Returns: The mean, a scalar.
public func mean(_ x: Tensor, in context: Context) -> Tensor {
  precondition(x.count > 0, "The mean of nothing is undefined.")
  return scale(sum(x, in: context), by: 1 / Float(x.count), in: context)
}

/// Computes the sum over one axis.
///
/// - Parameters:
///   - x: Any shape of rank 1 or more.
///   - axis: The axis to sum over; negative numbers count from the end.
///   - keepsDimension: Whether the axis stays with extent 1.
///   - context: The pass this is part of.
public func sum(_ x: Tensor, axis: Int, keepsDimension: Bool = false, in context: Context) -> Tensor {
  let axis = axis < 0 ? axis + x.shape.rank : axis
  precondition(axis >= 0 && axis < x.shape.rank, "Shape \(x.shape) has no axis \(axis).")
  let outer = x.shape.dimensions[..<axis].reduce(1, *)
  let extent = x.shape[axis]
  let inner = x.shape.dimensions[(axis + 1)...].reduce(1, *)
  let y = Storage.filled(0, count: outer * inner)
  for block in 0..<outer {
    for step in 0..<extent {
      let target = y.pointer + block * inner
      ps_add(target, x.pointer + (block * extent + step) * inner, target, Int64(inner))
    }
  }
  var dimensions = x.shape.dimensions
  if keepsDimension { dimensions[axis] = 1 } else { dimensions.remove(at: axis) }
  let result = context.result(y, Shape(dimensions), from: [x])
  if let slot = result.slot {
    context.tape?.record(slot) { gradient in
      x.slot?.accumulate { target in
        for block in 0..<outer {
          for step in 0..<extent {
            let row = target + (block * extent + step) * inner
            ps_add(row, gradient.pointer + block * inner, row, Int64(inner))
          }
        }
      }
    }
  }
  return result
}

/// Computes the mean over one axis.
///
/// - Parameters:
///   - x: Any shape of rank 1 or more.
///   - axis: The axis to average over; negative numbers count from the end.
///   - keepsDimension: Whether the axis stays with extent 1.
///   - context: The pass this is part of.
public func mean(_ x: Tensor, axis: Int, keepsDimension: Bool = false, in context: Context) -> Tensor {
  let extent = x.shape[axis < 0 ? axis + x.shape.rank : axis]
  precondition(extent > 0, "The mean over an axis of extent 0 is undefined.")
  let total = sum(x, axis: axis, keepsDimension: keepsDimension, in: context)
  return scale(total, by: 1 / Float(extent), in: context)
}
