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
