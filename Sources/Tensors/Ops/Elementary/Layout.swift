extension Tensor {
  /// Computes the transpose of a matrix.
  ///
  /// - Returns: The transpose, [n, m].
  public func transposed() -> Tensor {
    let x = self
    precondition(x.shape.rank == 2, "transpose needs a matrix, found \(x.shape).")
    let (rows, columns) = (x.shape[0], x.shape[1])
    let y = Storage(uninitialized: x.count)
    for row in 0..<rows {
      for column in 0..<columns { y.pointer[column * rows + row] = x.pointer[row * columns + column] }
    }
    let result = Tensor.result(y, [columns, rows], from: x)
    if let tape = result.tape {
      tape.record(result) { gradient in
        x.slot?.accumulate { target in
          for row in 0..<rows {
            for column in 0..<columns {
              target[row * columns + column] += gradient.pointer[column * rows + row]
            }
          }
        }
      }
    }
    return result
  }
}

extension Tensor {
  /// Joins tensors along one axis.
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
    let outer = dimensions[..<axis].reduce(1, *)
    let inner = dimensions[(axis + 1)...].reduce(1, *)
    let width = dimensions[axis] * inner
    let y = Storage(uninitialized: outer * width)
    var offset = 0
    for part in parts {
      let length = part.shape[axis] * inner
      for block in 0..<outer {
        (y.pointer + block * width + offset).update(from: part.pointer + block * length, count: length)
      }
      offset += length
    }
    let result = Tensor.result(y, Shape(dimensions), on: tape(of: parts))
    if let tape = result.tape {
      tape.record(result) { gradient in
        var start = 0
        for part in parts {
          let length = part.shape[axis] * inner
          part.slot?.accumulate { target in
            for block in 0..<outer {
              for index in 0..<length {
                target[block * length + index] += gradient.pointer[block * width + start + index]
              }
            }
          }
          start += length
        }
      }
    }
    return result
  }
}
