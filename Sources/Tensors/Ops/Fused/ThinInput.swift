import CKernels

/// Few rows, laid out for products with weights that are read as they lie.
///
/// Up to `ps_few_rows` stay as they are and meet the weight in dot products; more are transposed once, and serve as many
/// layers as read them.
struct ThinInput {
  private let rows: Int
  private let inputs: Int
  private let values: UnsafeMutablePointer<Float>
  /// Whether `transposedProduct` may be asked for.
  let isTransposed: Bool
  /// What holds the values, nil where the caller does.
  private let owner: Storage?

  /// The rows at `x`, [rows, inputs], which must stay as long as this is used.
  init(_ x: UnsafeMutablePointer<Float>, rows: Int, inputs: Int) {
    guard rows > Int(ps_few_rows) else {
      self.init(values: x, isTransposed: false, owner: nil, rows: rows, inputs: inputs)
      return
    }
    let storage = Storage(uninitialized: inputs * Self.width(rows))
    ps_transposed_rows(x, Int64(rows), Int64(inputs), storage.pointer, Int64(Self.width(rows)))
    self.init(transposed: storage, rows: rows, inputs: inputs)
  }

  /// Rows that are transposed already, [inputs, width(rows)].
  init(transposed: Storage, rows: Int, inputs: Int) {
    self.init(values: transposed.pointer, isTransposed: true, owner: transposed, rows: rows, inputs: inputs)
  }

  private init(
    values: UnsafeMutablePointer<Float>, isTransposed: Bool, owner: Storage?, rows: Int, inputs: Int
  ) {
    (self.rows, self.inputs, self.values) = (rows, inputs, values)
    (self.isTransposed, self.owner) = (isTransposed, owner)
  }

  /// The length of a transposed row: whole vectors.
  static func width(_ rows: Int) -> Int { (rows + 15) / 16 * 16 }

  /// y[rows, outputs] = x weightᵀ + bias, the rows of y `stride` values apart.
  func product(
    _ weight: UnsafeMutablePointer<Float>, _ bias: UnsafeMutablePointer<Float>?, outputs: Int,
    into y: UnsafeMutablePointer<Float>, stride: Int
  ) {
    if isTransposed {
      ps_thin_linear(
        values, Int64(Self.width(rows)), weight, bias, y, Int64(rows), Int64(outputs), Int64(inputs),
        Int64(stride))
    } else {
      ps_few_rows_linear(values, weight, bias, y, Int64(rows), Int64(outputs), Int64(inputs), Int64(stride))
    }
  }

  /// y[outputs, width] = weight xᵀ + bias, the input of a next layer.
  func transposedProduct(
    _ weight: UnsafeMutablePointer<Float>, _ bias: UnsafeMutablePointer<Float>, outputs: Int,
    into y: UnsafeMutablePointer<Float>
  ) {
    ps_thin_linear_transposed(
      values, Int64(Self.width(rows)), weight, bias, y, Int64(outputs), Int64(inputs))
  }
}
