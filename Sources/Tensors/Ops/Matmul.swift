import Kernels

extension Tensor {
  /// The matrix product op(a) op(b) of a, this tensor, and b, where op may transpose.
  ///
  /// With C = A B: dA = dC Bᵀ, dB = Aᵀ dC.
  ///
  /// - Parameters:
  ///   - b: A matrix, [k, n], or [n, k] when it is transposed; a is [m, k], or [k, m].
  ///   - transposingFirst: Whether to use aᵀ.
  ///   - transposingSecond: Whether to use bᵀ.
  /// - Returns: The product, [m, n].
  public func matmul(_ b: Tensor, transposingFirst: Bool = false, transposingSecond: Bool = false) -> Tensor {
    precondition(
      shape.rank == 2 && b.shape.rank == 2, "matmul needs two matrices, found \(shape) and \(b.shape).")
    let left = Matrix(storage, rows: shape[0], columns: shape[1], isTransposed: transposingFirst)
    let right = Matrix(b.storage, rows: b.shape[0], columns: b.shape[1], isTransposed: transposingSecond)
    precondition(
      left.columns == right.rows,
      "matmul cannot multiply \(shape) by \(b.shape) (transposed: \(transposingFirst), \(transposingSecond))."
    )
    let c = Storage(uninitialized: left.rows * right.columns)
    left.multiply(right, into: c)
    let result = Tensor.result(c, [left.rows, right.columns], from: self, b)
    if let tape = result.tape {
      tape.record(result) { gradient in
        let dc = Matrix(gradient, rows: left.rows, columns: right.columns)
        slot?.contribute { da, adding in
          // A stored transposed wants op(B) dCᵀ, the transpose of dC op(B)ᵀ.
          if transposingFirst {
            right.multiply(dc.transposed, into: da, adding: adding)
          } else {
            dc.multiply(right.transposed, into: da, adding: adding)
          }
        }
        b.slot?.contribute { db, adding in
          if transposingSecond {
            dc.transposed.multiply(left, into: db, adding: adding)
          } else {
            left.transposed.multiply(dc, into: db, adding: adding)
          }
        }
      }
    }
    return result
  }
}
