import Kernels

/// Singular value decomposition A = left · diag(values) · right of a matrix [rows, columns] in double precision.
///
/// By LAPACK where the matrix library has it (OpenBLAS and MKL do), and otherwise by the eigenvectors of the smaller of AᵀA and
/// AAᵀ, which knows values below 1e-8 of the largest no more; such directions are zero.
package struct SingularValues: Sendable {
  /// Directions of the rows' space, [rows, k] with k = min(rows, columns): orthonormal columns, the strongest first.
  package let left: DoubleMatrix
  /// The singular values, k of them, the largest first.
  package let values: [Double]
  /// Directions of the columns' space, [k, columns]: orthonormal rows.
  package let right: DoubleMatrix

  /// - Parameters:
  ///   - matrix: A, of finite values.
  ///   - usesLAPACK: Whether LAPACK may do it.
  package init(_ matrix: DoubleMatrix, usesLAPACK: Bool = true) {
    if usesLAPACK, let result = matrix.decomposed() {
      (left, values, right) = result
      return
    }
    guard matrix.rows >= matrix.columns else {
      let other = SingularValues(matrix.transposed, usesLAPACK: false)
      (left, values, right) = (other.right.transposed, other.values, other.left.transposed)
      return
    }
    let columns = matrix.columns
    let gram = matrix.multiplied(by: matrix, transposingSelf: true)
    let eigen = SymmetricEigenvectors(gram.values, n: columns)
    let values = eigen.values.map { max(0, $0).squareRoot() }
    let right = DoubleMatrix(eigen.vectors.flatMap(\.self), rows: columns, columns: columns)
    var left = matrix.multiplied(by: right, transposingOther: true)
    for column in 0..<columns {
      let factor = values[column] > 1e-8 * (values.first ?? 0) ? 1 / values[column] : 0
      for row in 0..<matrix.rows { left.values[row * columns + column] *= factor }
    }
    (self.left, self.values, self.right) = (left, values, right)
  }
}
