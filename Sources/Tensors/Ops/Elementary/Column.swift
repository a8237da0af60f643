/// Takes one column of a matrix; backward adds the gradient to that column.
///
/// - Parameters:
///   - x: Rows, [..., columns].
///   - index: The column, 0 ..< columns.
///   - context: The pass this is part of.
/// - Returns: The column, [rows].
public func column(_ x: Tensor, _ index: Int, in context: Context) -> Tensor {
  let (rows, columns) = (x.shape.rowCount, x.shape.lastDimension)
  precondition(index >= 0 && index < columns, "Column \(index) does not exist in shape \(x.shape).")
  let y = Storage(uninitialized: rows)
  for row in 0..<rows { y.pointer[row] = x.pointer[row * columns + index] }
  let result = context.result(y, [rows], from: [x])
  if let slot = result.slot {
    context.tape?.record(slot) { gradient in
      x.slot?.accumulate { target in
        for row in 0..<rows { target[row * columns + index] += gradient.pointer[row] }
      }
    }
  }
  return result
}
