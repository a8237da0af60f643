/// Compares small products of every form with a plain loop in double precision.
///
/// Old OpenBLAS builds are known to compute wrong values on some processors, and a training run would not notice.
struct BLASSelfCheck {
  let sgemm: BLASLibrary.SGEMM

  /// What was wrong, or nil.
  var fault: String? {
    // Odd sizes reach the remainder code of every kernel; the second set is beyond the small-matrix kernels.
    for (m, n, k) in [(13, 11, 7), (37, 65, 83)] {
      for form in 0..<8 {
        let (transposeA, transposeB, accumulate) = (form & 1 != 0, form & 2 != 0, form & 4 != 0)
        if let fault = check(m, n, k, transposeA, transposeB, accumulate) { return fault }
      }
    }
    return nil
  }

  private func check(
    _ m: Int, _ n: Int, _ k: Int, _ transposeA: Bool, _ transposeB: Bool, _ accumulate: Bool
  ) -> String? {
    let padding = 3
    let (lda, ldb, ldc) = ((transposeA ? m : k) + padding, (transposeB ? k : n) + padding, n + padding)
    let a = Self.values((transposeA ? k : m) * lda, seed: 1)
    let b = Self.values((transposeB ? n : k) * ldb, seed: 2)
    // With beta 0 the result's old contents must not matter, not even NaN: our buffers are reused.
    let before = accumulate ? Self.values(m * ldc, seed: 3) : [Float](repeating: .nan, count: m * ldc)
    var c = before
    let alpha: Float = 0.75
    sgemm(
      CBLAS.rowMajor, transposeA ? CBLAS.transposed : CBLAS.asStored,
      transposeB ? CBLAS.transposed : CBLAS.asStored, Int32(m), Int32(n), Int32(k), alpha, a, Int32(lda), b,
      Int32(ldb), accumulate ? 1 : 0, &c, Int32(ldc))
    for i in 0..<m {
      for j in 0..<n {
        var expected = 0.0
        for l in 0..<k {
          let x = transposeA ? a[l * lda + i] : a[i * lda + l]
          let y = transposeB ? b[j * ldb + l] : b[l * ldb + j]
          expected += Double(x) * Double(y)
        }
        expected *= Double(alpha)
        if accumulate { expected += Double(before[i * ldc + j]) }
        let found = Double(c[i * ldc + j])
        // Values lie in -1 ..< 1, so rounding stays below k * 2^-24 * a few; anything larger is a fault.
        if !(abs(found - expected) <= 1e-6 * Double(k)) {
          return "[\(m), \(k)] x [\(k), \(n)]\(transposeA ? ", a transposed" : "")"
            + "\(transposeB ? ", b transposed" : "")\(accumulate ? ", beta 1" : ""): element [\(i), \(j)] is "
            + "\(found), expected \(expected)"
        }
      }
    }
    return nil
  }

  /// Numbers in -1 ..< 1 from a small linear congruential generator.
  private static func values(_ count: Int, seed: UInt32) -> [Float] {
    var state = seed
    return (0..<count).map { _ in
      state = state &* 1_664_525 &+ 1_013_904_223
      return Float(state >> 8) / 8_388_608 - 1
    }
  }
}
