/// A matrix in a storage, or its transpose, as a product takes it.
package struct Matrix {
  private let storage: Storage
  /// The number of rows.
  package let rows: Int
  /// The number of columns.
  package let columns: Int
  private let isTransposed: Bool

  /// The matrix stored as [rows, columns], or its transpose.
  package init(_ storage: Storage, rows: Int, columns: Int, isTransposed: Bool = false) {
    (self.storage, self.isTransposed) = (storage, isTransposed)
    (self.rows, self.columns) = isTransposed ? (columns, rows) : (rows, columns)
  }

  /// The length of a row as stored.
  private var stride: Int { isTransposed ? rows : columns }
  /// The transpose, of the same storage.
  package var transposed: Matrix {
    Matrix(storage, rows: isTransposed ? columns : rows, columns: stride, isTransposed: !isTransposed)
  }

  /// c[m, n] = self[m, k] b[k, n], or c += it; workers take rows of the product.
  package func multiply(_ b: Matrix, into c: Storage, adding: Bool = false) {
    let (m, n, k) = (rows, b.columns, columns)
    Parallel.forEach(m, grain: max(16, RowBlocks.worthwhile / max(1, n * k))) { rows in
      // In a transposed operand the rows of the product are columns.
      let first = storage.pointer + rows.lowerBound * (isTransposed ? 1 : stride)
      WorkProfile.time(.matrixProducts) {
        gemm(
          transposeA: isTransposed, transposeB: b.isTransposed, m: rows.count, n: n, k: k, a: first,
          lda: stride,
          b: b.storage.pointer, ldb: b.stride, beta: adding ? 1 : 0, c: c.pointer + rows.lowerBound * n,
          ldc: n)
      }
    }
  }
}
