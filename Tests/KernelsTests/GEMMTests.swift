import Kernels
import TestSupport
import Testing

@Suite struct GEMMTests {
  struct Case: CustomTestStringConvertible, Sendable {
    let m: Int
    let n: Int
    let k: Int
    let transposeA: Bool
    let transposeB: Bool
    let (alpha, beta): (Float, Float)
    var testDescription: String { "\(m) x \(n) x \(k), \(transposeA) \(transposeB), \(alpha) \(beta)" }
  }

  static let cases: [Case] = [(1, 1, 1), (13, 13, 26), (64, 48, 100), (5, 130, 3), (7, 9, 0), (0, 4, 4)]
    .flatMap { size in
      [false, true].flatMap { a in
        [false, true].flatMap { b in
          [(Float(1), Float(0)), (0.5, 1), (1, 0.25)].map {
            Case(m: size.0, n: size.1, k: size.2, transposeA: a, transposeB: b, alpha: $0.0, beta: $0.1)
          }
        }
      }
    }

  @Test(arguments: cases)
  func equalsAPlainLoop(_ c: Case) {
    let (lda, ldb, ldc) = ((c.transposeA ? c.m : c.k) + 2, (c.transposeB ? c.k : c.n) + 3, c.n + 1)
    var samples = Samples(6)
    let a = samples.floats((c.transposeA ? c.k : c.m) * lda + 1)
    let b = samples.floats((c.transposeB ? c.n : c.k) * ldb + 1)
    let before = c.beta == 0 ? [Float](repeating: .nan, count: c.m * ldc) : samples.floats(c.m * ldc)
    var found = before
    gemm(
      transposeA: c.transposeA, transposeB: c.transposeB, m: c.m, n: c.n, k: c.k, alpha: c.alpha, a: a,
      lda: lda,
      b: b, ldb: ldb, beta: c.beta, c: &found, ldc: ldc)
    var expected = before.map(Double.init)
    for i in 0..<c.m {
      for j in 0..<c.n {
        let sum = (0..<c.k).reduce(0.0) {
          $0 + Double(c.transposeA ? a[$1 * lda + i] : a[i * lda + $1])
            * Double(c.transposeB ? b[j * ldb + $1] : b[$1 * ldb + j])
        }
        let old = c.beta == 0 ? 0 : Double(c.beta) * Double(before[i * ldc + j])
        expected[i * ldc + j] = Double(c.alpha) * sum + old
      }
    }
    #expect(worstError(found, expected) < 1e-5)
  }

  @Test func manyThreadsMayMultiplyAtOnce() {
    // Products of many sizes from all workers at once give the bits that one thread gives.
    let jobs = 400
    let results = Results(jobs)
    let alone = (0..<jobs).map { Self.product($0) }
    FixedThreads.run(4) {
      Parallel.forEach(jobs, block: 1) { range in
        for job in range { results[job] = Self.product(job) }
      }
    }
    for job in 0..<jobs { #expect(results[job] == alone[job], "job \(job)") }
  }

  /// The product of job-dependent matrices.
  private static func product(_ job: Int) -> [Float] {
    var samples = Samples(UInt64(job))
    let (m, n, k) = (1 + job % 37, 1 + job * 7 % 90, 1 + job * 13 % 150)
    let (a, b) = (samples.floats(m * k), samples.floats(k * n))
    var c = [Float](repeating: 0, count: m * n)
    let transposed = job % 2 == 0
    gemm(
      transposeA: false, transposeB: transposed, m: m, n: n, k: k, a: a, lda: k, b: b,
      ldb: transposed ? k : n,
      c: &c, ldc: n)
    return c
  }

  /// One slot per job, each written by one worker.
  private final class Results: @unchecked Sendable {
    private let slots: UnsafeMutablePointer<[Float]>
    private let count: Int

    init(_ count: Int) {
      self.count = count
      slots = .allocate(capacity: count)
      slots.initialize(repeating: [], count: count)
    }

    deinit {
      slots.deinitialize(count: count)
      slots.deallocate()
    }

    subscript(index: Int) -> [Float] {
      get { slots[index] }
      set { slots[index] = newValue }
    }
  }
}
