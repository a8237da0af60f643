import Tensors

/// The lengths and directions of rows; a row of length 0 has none.
struct UnitRows {
  /// ‖x‖ of each row, [rows, 1]; 0 without a derivative where a row is 0.
  let lengths: Tensor
  /// The rows divided by their lengths, [rows, D]; 0 where they are.
  let directions: Tensor

  init(_ x: Tensor, in context: Context) {
    let squares = sum(multiply(x, x, in: context), axis: -1, keepsDimension: true, in: context)
    let differs = squares.values.map { $0 > 1e-12 ? Float(1) : 0 }
    let (mask, others) = (
      Tensor(differs, shape: squares.shape), Tensor(differs.map { 1 - $0 }, shape: squares.shape)
    )
    let roots = sqrt(add(multiply(squares, mask, in: context), others, in: context), in: context)
    lengths = multiply(roots, mask, in: context)
    directions = multiply(divide(x, roots, in: context), mask, in: context)
  }
}
