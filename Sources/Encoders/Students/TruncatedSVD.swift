import Tensors

/// The best approximation of a table by one of lower rank, A ≈ rows · basis: its singular value decomposition U S Vᵀ cut off
/// (Eckart and Young 1936), with rows = U S and basis = Vᵀ.
///
/// V comes from the eigenvectors of AᵀA, which is small: a table has far more rows than columns.
package struct TruncatedSVD {
  /// U S, [rows, rank]: each row of the table in the basis.
  package let rows: Tensor
  /// Vᵀ, [rank, columns]: orthonormal directions, the strongest first.
  package let basis: Tensor

  /// - Parameters:
  ///   - table: A, [rows, columns].
  ///   - rank: The number of directions to keep, 1 to the number of columns.
  package init(_ table: Tensor, rank: Int) {
    let columns = table.shape[1]
    precondition((1...columns).contains(rank), "A table of \(columns) columns has no rank \(rank).")
    let gram = table.matmul(table, transposingFirst: true)
    let eigen = SymmetricEigenvectors(gram.values.map { Double($0) }, n: columns)
    basis = Tensor(eigen.vectors[..<rank].flatMap { $0.map { Float($0) } }, shape: [rank, columns])
    rows = table.matmul(basis, transposingSecond: true)
  }
}
