import Kernels

// MARK: Sums and means

extension Tensor {
  /// The sum of all elements, a scalar: dx = dy everywhere.
  public func sum() -> Tensor {
    let result = Tensor.result(Storage(Float(Reductions.sum(storage))), [], from: self)
    if let tape = result.tape {
      tape.record(result) { dy in
        slot?.accumulate { Elementwise.affine($0, factor: 1, shift: dy[0], into: $0) }
      }
    }
    return result
  }

  /// The mean of all elements, of which there is at least one, a scalar: dx = dy / n everywhere.
  public func mean() -> Tensor {
    precondition(count > 0, "The mean of nothing is undefined.")
    return sum() / Float(count)
  }

  /// The sums over one axis: dx = dy along it.
  ///
  /// - Parameters:
  ///   - axis: The axis to sum over; negative numbers count from the end.
  ///   - keepsDimension: Whether the axis stays with extent 1.
  public func sum(axis: Int, keepsDimension: Bool = false) -> Tensor {
    let axis = axis < 0 ? axis + shape.rank : axis
    precondition(axis >= 0 && axis < shape.rank, "Shape \(shape) has no axis \(axis).")
    let outer = shape.dimensions[..<axis].reduce(1, *)
    let extent = shape[axis]
    let inner = shape.dimensions[(axis + 1)...].reduce(1, *)
    var dimensions = shape.dimensions
    if keepsDimension { dimensions[axis] = 1 } else { dimensions.remove(at: axis) }
    let y = Reductions.sum(storage, outer: outer, extent: extent, inner: inner)
    let result = Tensor.result(y, Shape(dimensions), from: self)
    if let tape = result.tape {
      tape.record(result) { dy in
        slot?.accumulate {
          Reductions.broadcast(dy, outer: outer, extent: extent, inner: inner, addingTo: $0)
        }
      }
    }
    return result
  }

  /// The means over one axis: dx = dy / extent along it.
  ///
  /// - Parameters:
  ///   - axis: The axis to average over; negative numbers count from the end.
  ///   - keepsDimension: Whether the axis stays with extent 1.
  public func mean(axis: Int, keepsDimension: Bool = false) -> Tensor {
    let extent = shape[axis < 0 ? axis + shape.rank : axis]
    precondition(extent > 0, "The mean over an axis of extent 0 is undefined.")
    return sum(axis: axis, keepsDimension: keepsDimension) / Float(extent)
  }
}

// MARK: Softmax over the last axis

extension Tensor {
  /// The softmax y over the last axis: dx = y (dy − Σ y dy).
  public func softmax() -> Tensor {
    let (rows, columns) = (shape.rowCount, shape.lastDimension)
    let y = Storage(uninitialized: count)
    SoftmaxKernel.softmax(storage, rows: rows, columns: columns, into: y)
    let result = Tensor.result(y, shape, from: self)
    if let tape = result.tape {
      tape.record(result) { dy in
        SoftmaxKernel.softmaxGradient(y, replacing: dy, rows: rows, columns: columns)
        slot?.add(dy)
      }
    }
    return result
  }

  /// The logarithm of the softmax over the last axis: dx = dy − softmax(x) Σ dy.
  public func logSoftmax() -> Tensor {
    let (rows, columns) = (shape.rowCount, shape.lastDimension)
    let y = Storage(uninitialized: count)
    SoftmaxKernel.logSoftmax(storage, rows: rows, columns: columns, into: y)
    let result = Tensor.result(y, shape, from: self)
    if let tape = result.tape {
      tape.record(result) { dy in
        SoftmaxKernel.logSoftmaxGradient(y, replacing: dy, rows: rows, columns: columns)
        slot?.add(dy)
      }
    }
    return result
  }
}
