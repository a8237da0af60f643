import Foundation

/// The eigenvectors of a symmetric matrix by Householder's reduction to a tridiagonal one and implicit QL steps (Golub and
/// Van Loan, Matrix Computations, chapter 8), in double precision.
package struct SymmetricEigenvectors {
  /// The eigenvalues, the largest first.
  package let values: [Double]
  /// The eigenvectors as rows in the same order, n values each; each one's largest component is positive.
  package let vectors: [[Double]]

  /// - Parameters:
  ///   - matrix: The matrix, n · n values; only rounding may disturb its symmetry.
  ///   - n: Its extent.
  package init(_ matrix: [Double], n: Int) {
    precondition(matrix.count == n * n, "A matrix of extent \(n) has \(n * n) values, found \(matrix.count).")
    var work = Tridiagonal(matrix, n: n)
    work.reduce()
    work.diagonalize()
    let order = (0..<n).sorted { (work.diagonal[$0], $1) > (work.diagonal[$1], $0) }
    values = order.map { work.diagonal[$0] }
    vectors = order.map { index in
      let row = Array(work.basis[index * n..<(index + 1) * n])
      let largest = row.max { abs($0) < abs($1) } ?? 0
      return largest < 0 ? row.map { -$0 } : row
    }
  }
}

/// The matrix on its way to diagonal form; `basis` holds the transformations so far, transposed, so that both phases work
/// on whole rows.
private struct Tridiagonal {
  let n: Int
  var matrix: [Double]
  var basis: [Double]
  var diagonal: [Double]
  var offDiagonal: [Double]

  init(_ matrix: [Double], n: Int) {
    (self.n, self.matrix) = (n, matrix)
    basis = [Double](repeating: 0, count: n * n)
    for index in 0..<n { basis[index * n + index] = 1 }
    diagonal = [Double](repeating: 0, count: n)
    offDiagonal = [Double](repeating: 0, count: n)
  }

  /// Householder: reflection k makes column k zero below the element beside the diagonal.
  mutating func reduce() {
    let n = n
    var (v, p) = ([Double](repeating: 0, count: n), [Double](repeating: 0, count: n))
    for k in 0..<max(0, n - 2) {
      var norm = 0.0
      for row in k + 1..<n { norm += matrix[row * n + k] * matrix[row * n + k] }
      norm = norm.squareRoot()
      let head = matrix[(k + 1) * n + k]
      offDiagonal[k] = head < 0 ? norm : -norm
      guard norm > 0 else { continue }
      for row in k + 1..<n { v[row] = matrix[row * n + k] }
      v[k + 1] -= offDiagonal[k]
      var length = 0.0
      for row in k + 1..<n { length += v[row] * v[row] }
      length = length.squareRoot()
      for row in k + 1..<n { v[row] /= length }
      reflect(k + 1, v, &p)
    }
    for index in 0..<n { diagonal[index] = matrix[index * n + index] }
    if n > 1 { offDiagonal[n - 2] = matrix[(n - 1) * n + n - 2] }
  }

  /// A ← H A H and basis ← H basis for H = 1 − 2 v vᵀ on the rows from `first` on.
  private mutating func reflect(_ first: Int, _ v: [Double], _ p: inout [Double]) {
    let n = n
    for column in first..<n { p[column] = 0 }
    for row in first..<n { Self.add(v[row], matrix.span, row * n, to: &p, first..<n) }
    var overlap = 0.0
    for row in first..<n { overlap += v[row] * p[row] }
    for row in first..<n { p[row] = 2 * (p[row] - overlap * v[row]) }
    var a = matrix.mutableSpan
    for row in first..<n {
      let (vr, pr) = (v[row], p[row])
      for column in first..<n { a[unchecked: row * n + column] -= vr * p[column] + pr * v[column] }
    }
    for column in 0..<n { p[column] = 0 }
    for row in first..<n { Self.add(v[row], basis.span, row * n, to: &p, 0..<n) }
    var q = basis.mutableSpan
    for row in first..<n {
      let vr = 2 * v[row]
      for column in 0..<n { q[unchecked: row * n + column] -= vr * p[column] }
    }
  }

  private static func add(
    _ factor: Double, _ rows: Span<Double>, _ start: Int, to sum: inout [Double], _ columns: Range<Int>
  ) {
    for column in columns { sum[column] += factor * rows[unchecked: start + column] }
  }

  /// QL with implicit shifts: each sweep drives the element beside one eigenvalue towards zero.
  mutating func diagonalize() {
    for low in 0..<n {
      // A handful of sweeps suffices; the bound only keeps values that are no numbers from running for ever.
      for _ in 0..<100 {
        let high = (low..<n - 1).first {
          abs(offDiagonal[$0]) <= .ulpOfOne * (abs(diagonal[$0]) + abs(diagonal[$0 + 1]))
        }
        guard (high ?? n - 1) > low else { break }
        sweep(low, high ?? n - 1)
      }
    }
  }

  private mutating func sweep(_ low: Int, _ high: Int) {
    var g = (diagonal[low + 1] - diagonal[low]) / (2 * offDiagonal[low])
    let root = (g * g + 1).squareRoot()
    g = diagonal[high] - diagonal[low] + offDiagonal[low] / (g < 0 ? g - root : g + root)
    var (s, c, p) = (1.0, 1.0, 0.0)
    for i in (low..<high).reversed() {
      let (f, b) = (s * offDiagonal[i], c * offDiagonal[i])
      let r = (f * f + g * g).squareRoot()
      offDiagonal[i + 1] = r
      guard r > 0 else {
        diagonal[i + 1] -= p
        offDiagonal[high] = 0
        return
      }
      (s, c) = (f / r, g / r)
      g = diagonal[i + 1] - p
      let next = (diagonal[i] - g) * s + 2 * c * b
      p = s * next
      diagonal[i + 1] = g + p
      g = c * next - b
      rotate(i, sine: s, cosine: c)
    }
    diagonal[low] -= p
    offDiagonal[low] = g
    offDiagonal[high] = 0
  }

  private mutating func rotate(_ row: Int, sine: Double, cosine: Double) {
    let n = n
    var q = basis.mutableSpan
    for column in 0..<n {
      let (upper, lower) = (row * n + column, (row + 1) * n + column)
      let (first, second) = (q[unchecked: upper], q[unchecked: lower])
      q[unchecked: lower] = sine * first + cosine * second
      q[unchecked: upper] = cosine * first - sine * second
    }
  }
}

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

/// The linear layer y ≈ x Wᵀ + b of the smallest squared error, the smallest of those.
package struct LeastSquares {
  /// W [outputs, inputs] and b [outputs].
  package let solution: (weight: Tensor, bias: Tensor)

  /// - Parameters:
  ///   - x: The inputs, [rows, inputs].
  ///   - y: What should come out, [rows, outputs].
  package init(_ x: Tensor, _ y: Tensor) {
    let (meanX, meanY) = (x.mean(axis: 0), y.mean(axis: 0))
    let (centredX, centredY) = (x - meanX, y - meanY)
    let size = x.shape[1]
    let moments = centredX.matmul(centredX, transposingFirst: true).values.map { Double($0) }
    let eigen = SymmetricEigenvectors(moments, n: size)
    // Rows behind a LayerNorm sum up to nothing: directions without variance are left out.
    let kept = eigen.values.prefix { $0 > 1e-6 * max(eigen.values[0], .leastNormalMagnitude) }.count
    let directions = Tensor(eigen.vectors[..<kept].flatMap { $0.map { Float($0) } }, shape: [kept, size])
    let scaled = Tensor(
      zip(eigen.values, eigen.vectors).prefix(kept).flatMap { value, row in row.map { Float($0 / value) } },
      shape: [kept, size])
    let cross = centredY.matmul(centredX, transposingFirst: true)  // [outputs, inputs]
    let weight = cross.matmul(scaled, transposingSecond: true).matmul(directions)
    let shift = meanX.reshaped([1, size]).linear(LinearWeights(weight)).reshaped(meanY.shape)
    solution = (weight, meanY - shift)
  }
}
