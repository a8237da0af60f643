import Kernels

// MARK: Matrices

extension Tensor {
  /// The transpose of a matrix, [m, n] to [n, m]: dx = dyᵀ.
  public func transposed() -> Tensor {
    precondition(shape.rank == 2, "transposed needs a matrix, found \(shape).")
    let (rows, columns) = (shape[0], shape[1])
    let y = Storage(uninitialized: count)
    RowKernels.transpose(storage, rows: rows, columns: columns, into: y)
    let result = Tensor.result(y, [columns, rows], from: self)
    if let tape = result.tape {
      tape.record(result) { dy in
        slot?.accumulate { RowKernels.transpose(dy, rows: columns, columns: rows, into: $0, adding: true) }
      }
    }
    return result
  }

  /// One column of rows [..., columns] as a vector [rows]; its gradient is added to that column.
  public func column(_ index: Int) -> Tensor {
    let (rows, columns) = (shape.rowCount, shape.lastDimension)
    precondition(index >= 0 && index < columns, "Column \(index) does not exist in shape \(shape).")
    let y = Storage(uninitialized: rows)
    RowKernels.column(index, of: storage, columns: columns, into: y)
    let result = Tensor.result(y, [rows], from: self)
    if let tape = result.tape {
      tape.record(result) { dy in
        slot?.accumulate { RowKernels.add(dy, toColumn: index, of: $0, columns: columns) }
      }
    }
    return result
  }

  /// Some columns of rows [..., features], [..., columns], ascending; dx has dy at them and zeros elsewhere.
  func columns(at columns: [Int32]) -> Tensor {
    let width = shape.lastDimension
    columns.checkBelow(width, name: "column")
    let result = Tensor.result(
      Storage(uninitialized: shape.rowCount * columns.count),
      Shape(shape.dimensions.dropLast() + [columns.count]), from: self)
    RowKernels.gather(storage, width: width, columns: columns, into: result.storage)
    if let tape = result.tape {
      tape.record(result) { dy in
        slot?.contribute { RowKernels.scatter(dy, width: width, columns: columns, into: $0, adding: $1) }
      }
    }
    return result
  }

  /// Rows [..., columns] spread over `width` columns, [..., width], with zeros at the others; dx is dy at those columns.
  func spread(to columns: [Int32], of width: Int) -> Tensor {
    precondition(
      columns.count == shape.lastDimension, "spread needs a place for each column of \(shape).")
    columns.checkBelow(width, name: "column")
    let result = Tensor.result(
      Storage(uninitialized: shape.rowCount * width), Shape(shape.dimensions.dropLast() + [width]), from: self
    )
    RowKernels.scatter(storage, width: width, columns: columns, into: result.storage, adding: false)
    if let tape = result.tape {
      tape.record(result) { dy in
        let dx = Storage(uninitialized: count)
        RowKernels.gather(dy, width: width, columns: columns, into: dx)
        slot?.add(dx)
      }
    }
    return result
  }

  /// The tensors joined along one axis; each gets its part of the gradient.
  ///
  /// - Parameters:
  ///   - parts: At least one tensor; the shapes differ in `axis` only.
  ///   - axis: The axis to join along; negative numbers count from the end.
  public static func concatenate(_ parts: [Tensor], axis: Int = 0) -> Tensor {
    guard let first = parts.first else { preconditionFailure("concatenate needs at least one tensor.") }
    let axis = axis < 0 ? axis + first.shape.rank : axis
    precondition(axis >= 0 && axis < first.shape.rank, "Shape \(first.shape) has no axis \(axis).")
    var dimensions = first.shape.dimensions
    dimensions[axis] = 0
    for part in parts {
      var others = part.shape.dimensions
      precondition(
        others.count == dimensions.count,
        "concatenate needs equal ranks, found \(first.shape) and \(part.shape).")
      others[axis] = dimensions[axis]
      precondition(
        others == dimensions, "Shapes \(first.shape) and \(part.shape) differ outside axis \(axis).")
      dimensions[axis] += part.shape[axis]
    }
    let blocks = dimensions[..<axis].reduce(1, *)
    let inner = dimensions[(axis + 1)...].reduce(1, *)
    let width = dimensions[axis] * inner
    let y = Storage(uninitialized: blocks * width)
    var offset = 0
    for part in parts {
      let length = part.shape[axis] * inner
      RowKernels.copy(part.storage, blocks: blocks, length: length, into: y, width: width, offset: offset)
      offset += length
    }
    let result = Tensor.result(y, Shape(dimensions), on: tape(of: parts))
    if let tape = result.tape {
      tape.record(result) { dy in
        var offset = 0
        for part in parts {
          let length = part.shape[axis] * inner
          part.slot?.accumulate {
            RowKernels.addBlocks(of: dy, width: width, offset: offset, to: $0, blocks: blocks, length: length)
          }
          offset += length
        }
      }
    }
    return result
  }
}

// MARK: Rows

extension Tensor {
  /// Consecutive rows of [n, ...], inside 0 ..< n, without a copy; their gradient is added to them.
  public func rows(_ rows: Range<Int>) -> Tensor {
    precondition(shape.rank >= 1, "A scalar has no rows to slice.")
    precondition(
      rows.lowerBound >= 0 && rows.upperBound <= shape[0],
      "Rows \(rows) do not exist in a tensor of shape \(shape).")
    let width = shape.dimensions.dropFirst().reduce(1, *)
    let (offset, count) = (rows.lowerBound * width, rows.count * width)
    let shape = Shape([rows.count] + shape.dimensions.dropFirst())
    let result = Tensor.result(storage.slice(offset, count), shape, from: self)
    if let tape = result.tape {
      tape.record(result) { dy in slot?.accumulate { RowKernels.add(dy, to: $0, from: offset) } }
    }
    return result
  }

  /// Rows of a matrix by index, [indices, features]; each gradient is added to the row it came from.
  ///
  /// - Parameter indices: The rows to take, each in 0 ..< n, in any order and any number of times.
  public func rows(at indices: [Int32]) -> Tensor {
    let columns = shape.lastDimension
    indices.checkBelow(shape.rowCount, name: "row")
    let y = Storage(uninitialized: indices.count * columns)
    RowKernels.gather(storage, rows: indices, columns: columns, into: y)
    let result = Tensor.result(y, [indices.count, columns], from: self)
    if let tape = result.tape {
      tape.record(result) { dy in
        slot?.accumulate { RowKernels.scatterAdd(dy, to: $0, rows: indices, columns: columns) }
      }
    }
    return result
  }

  /// The largest value of each column over the rows of each sequence, [sequences, features]: max pooling over time
  /// (Collobert and others 2011).
  ///
  /// Each gradient goes to the row its value came from, the first of equal ones.
  ///
  /// - Parameter starts: The first row of each sequence, then the number of rows, [sequences + 1]; no sequence is empty.
  public func sequenceMaximum(starts: [Int32]) -> Tensor {
    let (columns, sequences) = (shape.lastDimension, starts.count - 1)
    precondition(
      sequences >= 0 && Int(starts[sequences]) == shape.rowCount,
      "sequenceMaximum needs rows that end at \(starts.last ?? 0), found \(shape).")
    precondition(
      zip(starts, starts.dropFirst()).allSatisfy(<), "The maximum over an empty sequence is undefined.")
    let y = Storage(uninitialized: sequences * columns)
    let origins = RowKernels.maximum(storage, starts: starts, columns: columns, into: y)
    let result = Tensor.result(y, [sequences, columns], from: self)
    if let tape = result.tape {
      tape.record(result) { dy in slot?.accumulate { origins.add(dy, to: $0) } }
    }
    return result
  }
}

extension [Int32] {
  /// Ends the program with a sentence when an index is not in 0 ..< bound.
  func checkBelow(_ bound: Int, name: String) {
    precondition(
      allSatisfy { $0 >= 0 && Int($0) < bound },
      "Every \(name) must lie in 0 ..< \(bound), found \(self.min() ?? 0) to \(self.max() ?? 0).")
  }
}
