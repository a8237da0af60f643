/// c[m, n] = alpha op(a)[m, k] op(b)[k, n] + beta c, row-major, on one thread.
///
/// `lda`, `ldb` and `ldc` are the distances between rows *as stored*: with `transposeA`, `a` is stored [k, m]. With
/// beta 0 the old contents of `c` are not read. Safe to call from several workers at once on different `c`.
package func gemm(
  transposeA: Bool = false, transposeB: Bool = false, m: Int, n: Int, k: Int, alpha: Float = 1,
  a: UnsafePointer<Float>, lda: Int, b: UnsafePointer<Float>, ldb: Int, beta: Float = 0,
  c: UnsafeMutablePointer<Float>, ldc: Int
) {
  if m == 0 || n == 0 { return }
  BLAS.sgemm(
    CBLAS.rowMajor, transposeA ? CBLAS.transposed : CBLAS.asStored,
    transposeB ? CBLAS.transposed : CBLAS.asStored, Int32(m), Int32(n), Int32(k), alpha, a, Int32(lda), b,
    Int32(ldb), beta, c, Int32(ldc))
}

/// The constants of the CBLAS interface.
enum CBLAS {
  static let rowMajor: Int32 = 101
  static let asStored: Int32 = 111
  static let transposed: Int32 = 112
}
