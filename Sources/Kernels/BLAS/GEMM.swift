import Foundation

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
extension BLAS {
  /// Computes c[m, n] = op(a)[m, k] op(b)[k, n] of dense row-major matrices.
  ///
  /// The rows of the result are split over `threads` workers, as the engine's own layers do it. With a transpose flag the
  /// matrix is stored the other way round: `a` as [k, m], `b` as [n, k].
  /// - Parameters:
  ///   - a: m · k values.
  ///   - b: k · n values.
  ///   - c: m · n values, overwritten.
  ///   - threads: The number of workers, at most `Parallel.threadCount`.
  /// - Throws: `BLASError` when there is no usable library.
  public static func multiply(
    _ a: [Float], transposed transposeA: Bool = false, _ b: [Float], transposed transposeB: Bool = false,
    into c: inout [Float], m: Int, n: Int, k: Int, threads: Int = Parallel.threadCount
  ) throws(BLASError) {
    precondition(
      a.count == m * k && b.count == k * n && c.count == m * n,
      "A product [\(m), \(k)] x [\(k), \(n)] needs \(m * k), \(k * n) and \(m * n) values, "
        + "found \(a.count), \(b.count) and \(c.count).")
    _ = try load()
    a.withUnsafeBufferPointer { a in
      b.withUnsafeBufferPointer { b in
        c.withUnsafeMutableBufferPointer { c in
          guard let a = a.baseAddress, let b = b.baseAddress, let c = c.baseAddress else { return }
          Parallel.forEach(m, grain: (m + max(1, threads) - 1) / max(1, threads)) { rows in
            let first = rows.lowerBound
            gemm(
              transposeA: transposeA, transposeB: transposeB, m: rows.count, n: n, k: k,
              a: transposeA ? a + first : a + first * k, lda: transposeA ? m : k, b: b,
              ldb: transposeB ? k : n,
              c: c + first * n, ldc: n)
          }
        }
      }
    }
  }
}

extension BLAS {
  /// The best rate of products of the shape of a BERT-base layer, 512 rows, 768 to 768, in 10⁹ operations a second.
  package static func gigaflops(workers: Int) -> Double {
    let (m, n, k) = (512, 768, 768)
    let inputs = [Float](repeating: 0.5, count: max(m * k, k * n))
    let outputs = UnsafeMutablePointer<Float>.allocate(capacity: workers * m * n)
    defer { outputs.deallocate() }
    var best = 0.0
    inputs.withUnsafeBufferPointer { buffer in
      guard let base = buffer.baseAddress else { return }
      for _ in 0..<8 {
        let start = ProcessInfo.processInfo.systemUptime
        let rounds = 4
        Parallel.forEach(workers) { range in
          for worker in range {
            for _ in 0..<rounds {
              gemm(
                m: m, n: n, k: k, a: base, lda: k, b: base, ldb: n, c: outputs + worker * m * n, ldc: n)
            }
          }
        }
        let seconds = ProcessInfo.processInfo.systemUptime - start
        best = max(best, Double(2 * m * n * k * rounds * workers) / seconds / 1e9)
      }
    }
    return best
  }
}
