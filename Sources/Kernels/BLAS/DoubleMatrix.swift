import Foundation

/// Matrix of 64-bit floats, [rows, columns], row-major, for what is computed once and exactly, such as the factors of a weight.
package struct DoubleMatrix: Sendable, Equatable {
  /// The number of rows.
  package let rows: Int
  /// The number of columns.
  package let columns: Int
  /// The values, row-major.
  package var values: [Double]

  /// A matrix of given values.
  package init(_ values: [Double], rows: Int, columns: Int) {
    precondition(
      values.count == rows * columns,
      "A matrix [\(rows), \(columns)] has \(rows * columns) values, found \(values.count).")
    (self.values, self.rows, self.columns) = (values, rows, columns)
  }

  /// The values of a storage.
  package init(_ storage: Storage, rows: Int, columns: Int) {
    self.init(storage.values.map { Double($0) }, rows: rows, columns: columns)
  }

  /// The values rounded to 32-bit floats.
  package var floats: [Float] { values.map { Float($0) } }

  /// The product op(self) · op(other), where op may transpose, on the calling thread.
  package func multiplied(
    by other: DoubleMatrix, transposingSelf: Bool = false, transposingOther: Bool = false
  ) -> DoubleMatrix {
    let (m, k) = transposingSelf ? (columns, rows) : (rows, columns)
    let (inner, n) = transposingOther ? (other.columns, other.rows) : (other.rows, other.columns)
    precondition(k == inner, "A matrix with \(k) columns cannot be multiplied by one of \(inner) rows.")
    var result = [Double](repeating: 0, count: m * n)
    if m == 0 || n == 0 || k == 0 { return DoubleMatrix(result, rows: m, columns: n) }
    if let dgemm = BLAS.doublePrecision?.dgemm {
      dgemm(
        CBLAS.rowMajor, transposingSelf ? CBLAS.transposed : CBLAS.asStored,
        transposingOther ? CBLAS.transposed : CBLAS.asStored, Int32(m), Int32(n), Int32(k), 1, values,
        Int32(columns), other.values, Int32(other.columns), 0, &result, Int32(n))
      return DoubleMatrix(result, rows: m, columns: n)
    }
    for row in 0..<m {
      for step in 0..<k {
        let factor = values[transposingSelf ? step * columns + row : row * columns + step]
        for column in 0..<n {
          result[row * n + column] +=
            factor * other.values[transposingOther ? column * other.columns + step : step * n + column]
        }
      }
    }
    return DoubleMatrix(result, rows: m, columns: n)
  }

  /// The rows of the other way round.
  package var transposed: DoubleMatrix {
    var result = [Double](repeating: 0, count: values.count)
    for row in 0..<rows {
      for column in 0..<columns { result[column * rows + row] = values[row * columns + column] }
    }
    return DoubleMatrix(result, rows: columns, columns: rows)
  }

  /// The singular value decomposition self = left · diag(values) · right by LAPACK's divide and conquer (`dgesdd`), on the calling
  /// thread; nil where the matrix library has no LAPACK or did not get there.
  ///
  /// With k = min(rows, columns), left is [rows, k] with orthonormal columns, right [k, columns] with orthonormal rows, and the
  /// values come the largest first.
  package func decomposed() -> (left: DoubleMatrix, values: [Double], right: DoubleMatrix)? {
    guard let dgesdd = BLAS.doublePrecision?.dgesdd else { return nil }
    let count = min(rows, columns)
    if count == 0 || values.contains(where: { !$0.isFinite }) { return nil }
    // Column by column these are the values of the transpose, whose left and right directions change places.
    var (matrix, singular) = (values, [Double](repeating: 0, count: count))
    var right = [Double](repeating: 0, count: count * columns)
    var left = [Double](repeating: 0, count: rows * count)
    var places = [Int32](repeating: 0, count: 8 * count)
    let (m, n, k) = ([Int32(columns)], [Int32(rows)], [Int32(count)])
    var info = Int32(0)
    func run(_ work: inout [Double], _ length: Int32) {
      dgesdd("S", m, n, &matrix, m, &singular, &right, m, &left, k, &work, [length], &places, &info, 1)
    }
    var size = [0.0]
    run(&size, -1)
    guard info == 0 else { return nil }
    var work = [Double](repeating: 0, count: max(1, Int(size[0])))
    run(&work, Int32(work.count))
    guard info == 0 else { return nil }
    return (
      DoubleMatrix(left, rows: rows, columns: count), singular,
      DoubleMatrix(right, rows: count, columns: columns)
    )
  }
}

extension BLAS {
  /// The functions in double precision; nil where the library in use lacks them.
  static let doublePrecision: BLASLibrary.DoublePrecision? = (try? load())?.doublePrecision
}

extension BLASLibrary {
  typealias DGEMM =
    @Sendable @convention(c) (
      _ order: Int32, _ transposeA: Int32, _ transposeB: Int32, _ m: Int32, _ n: Int32, _ k: Int32,
      _ alpha: Double, _ a: UnsafePointer<Double>?, _ lda: Int32, _ b: UnsafePointer<Double>?, _ ldb: Int32,
      _ beta: Double, _ c: UnsafeMutablePointer<Double>?, _ ldc: Int32
    ) -> Void

  /// Fortran's calling convention: every argument by its address, and the length of the text last.
  typealias DGESDD =
    @Sendable @convention(c) (
      _ job: UnsafePointer<CChar>?, _ m: UnsafePointer<Int32>?, _ n: UnsafePointer<Int32>?,
      _ a: UnsafeMutablePointer<Double>?, _ lda: UnsafePointer<Int32>?, _ s: UnsafeMutablePointer<Double>?,
      _ u: UnsafeMutablePointer<Double>?, _ ldu: UnsafePointer<Int32>?, _ vt: UnsafeMutablePointer<Double>?,
      _ ldvt: UnsafePointer<Int32>?, _ work: UnsafeMutablePointer<Double>?, _ lwork: UnsafePointer<Int32>?,
      _ iwork: UnsafeMutablePointer<Int32>?, _ info: UnsafeMutablePointer<Int32>?, _ jobLength: Int
    ) -> Void

  /// Functions of BLAS and LAPACK in double precision.
  struct DoublePrecision: Sendable {
    /// Product of matrices.
    let dgemm: DGEMM
    /// Singular value decomposition; nil in a library without LAPACK, such as BLIS.
    let dgesdd: DGESDD?

    /// The functions of a loaded library.
    init?(_ handle: UnsafeMutableRawPointer) {
      guard let product = dlsym(handle, "cblas_dgemm") else { return nil }
      dgemm = unsafeBitCast(product, to: DGEMM.self)
      dgesdd = dlsym(handle, "dgesdd_").map { unsafeBitCast($0, to: DGESDD.self) }
    }
  }
}
