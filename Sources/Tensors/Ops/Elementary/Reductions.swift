import CKernels
import Kernels

extension Tensor {
  /// Computes the sum of all elements.
  ///
  /// - Returns: The sum, a scalar.
  public func sum() -> Tensor {
    let x = self
    let result = Tensor.result(Storage([Float(ps_sum(x.pointer, Int64(x.count)))]), [], from: x)
    if let tape = result.tape {
      tape.record(result) { gradient in
        x.slot?.accumulate { target in
          let value = gradient.pointer[0]
          for index in 0..<x.count { target[index] += value }
        }
      }
    }
    return result
  }
}

extension Tensor {
  /// Computes the mean of all elements.
  ///
  /// - Returns: The mean, a scalar.
  public func mean() -> Tensor {

    precondition(count > 0, "The mean of nothing is undefined.")
    return sum() * (1 / Float(count))
  }
}

extension Tensor {
  /// Computes the sum over one axis.
  ///
  /// - Parameters:
  ///   - axis: The axis to sum over; negative numbers count from the end.
  ///   - keepsDimension: Whether the axis stays with extent 1.
  public func sum(axis: Int, keepsDimension: Bool = false) -> Tensor {
    let x = self
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
    let result = Tensor.result(y, Shape(dimensions), from: x)
    if let tape = result.tape {
      tape.record(result) { gradient in
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
}

extension Tensor {
  /// Computes the mean over one axis.
  ///
  /// - Parameters:
  ///   - axis: The axis to average over; negative numbers count from the end.
  ///   - keepsDimension: Whether the axis stays with extent 1.
  public func mean(axis: Int, keepsDimension: Bool = false) -> Tensor {

    let extent = shape[axis < 0 ? axis + shape.rank : axis]
    precondition(extent > 0, "The mean over an axis of extent 0 is undefined.")
    return sum(axis: axis, keepsDimension: keepsDimension) * (1 / Float(extent))
  }
}
