import Tensors

/// The lengths and directions of rows; a row of length 0 has none.
struct UnitRows {
  /// ‖x‖ of each row, [rows, 1]; 0 without a derivative where a row is 0.
  let lengths: Tensor
  /// The rows divided by their lengths, [rows, D]; 0 where they are.
  let directions: Tensor

  init(_ x: Tensor) {
    let squares = (x * x).sum(axis: -1, keepsDimension: true)
    let differs = squares.values.map { $0 > 1e-12 ? Float(1) : 0 }
    let (mask, others) = (
      Tensor(differs, shape: squares.shape), Tensor(differs.map { 1 - $0 }, shape: squares.shape)
    )
    let roots = (squares * mask + others).sqrt()
    lengths = roots * mask
    directions = x / roots * mask
  }
}
