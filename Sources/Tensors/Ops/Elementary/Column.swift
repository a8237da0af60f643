extension Tensor {
  /// Takes one column of a matrix; backward adds the gradient to that column.
  ///
  /// - Parameters:
  ///   - index: The column, 0 ..< columns.
  /// - Returns: The column, [rows].
  public func column(_ index: Int) -> Tensor {
    let x = self
    let (rows, columns) = (x.shape.rowCount, x.shape.lastDimension)
    precondition(index >= 0 && index < columns, "Column \(index) does not exist in shape \(x.shape).")
    let y = Storage(uninitialized: rows)
    for row in 0..<rows { y.pointer[row] = x.pointer[row * columns + index] }
    let result = Tensor.result(y, [rows], from: x)
    if let tape = result.tape {
      tape.record(result) { gradient in
        x.slot?.accumulate { target in
          for row in 0..<rows { target[row * columns + index] += gradient.pointer[row] }
        }
      }
    }
    return result
  }
}
