import BenchmarkHarness
import Potstill

/// The three products of linear layers as BERT models and their students have them.
enum GEMMBenchmark: Benchmark {
  static let name = "gemm"
  static let summary = "matrix products of BERT-like shapes, GF/s (median of the runs, best in brackets)"

  private struct Form {
    let name: String
    let transposeA: Bool
    let transposeB: Bool
  }

  static func run(_ arguments: [String]) throws {
    // Tokens of a packed SST-2 batch of 32, of a token-budget batch, of 32 full sentences.
    let tokens = arguments.compactMap { Int($0) }
    let layers = [
      (768, 768), (3072, 768), (768, 3072), (384, 384), (1536, 384), (312, 312), (1200, 312), (312, 1200),
    ]
    let table = Table(["form M,N,K", "1 thread", "best", "all", "best", "speed-up"], first: 24)
    for count in tokens.isEmpty ? [416, 1024, 4096] : tokens {
      for (outputs, inputs) in layers {
        // y = x Wᵀ
        try measure(Form(name: "NT", transposeA: false, transposeB: true), count, outputs, inputs, table)
      }
    }
    // dx = dy W and dW = dyᵀ x
    try measure(Form(name: "NN", transposeA: false, transposeB: false), 1024, 768, 3072, table)
    try measure(Form(name: "NN", transposeA: false, transposeB: false), 1024, 312, 1200, table)
    try measure(Form(name: "TN", transposeA: true, transposeB: false), 3072, 768, 1024, table)
    try measure(Form(name: "TN", transposeA: true, transposeB: false), 1200, 312, 1024, table)
  }

  private static func measure(_ form: Form, _ m: Int, _ n: Int, _ k: Int, _ table: Table) throws {
    let a = numbers(m * k, seed: 1)
    let b = numbers(k * n, seed: 2)
    var c = [Float](repeating: .nan, count: m * n)
    let run = { (threads: Int) in
      try BLAS.multiply(
        a, transposed: form.transposeA, b, transposed: form.transposeB, into: &c, m: m, n: n, k: k,
        threads: threads)
    }
    let operations = 2 * Double(m) * Double(n) * Double(k) / 1e9
    let one = try Measurement(minimumSeconds: 0.15) { try run(1) }
    try check(form, a, b, c, m, n, k)
    c = [Float](repeating: .nan, count: m * n)
    let all = try Measurement(minimumSeconds: 0.15) { try run(Parallel.threadCount) }
    try check(form, a, b, c, m, n, k)
    table.row([
      "\(form.name) \(m),\(n),\(k)", (operations / one.median).fixed(0), (operations / one.minimum).fixed(0),
      (operations / all.median).fixed(0), (operations / all.minimum).fixed(0),
      (one.median / all.median).fixed(2) + "x",
    ])
  }

  /// Compares elements from all over the result with a plain sum.
  private static func check(
    _ form: Form, _ a: [Float], _ b: [Float], _ c: [Float], _ m: Int, _ n: Int, _ k: Int
  ) throws {
    for index in stride(from: 0, to: m * n, by: max(1, m * n / 997)) {
      let (i, j) = (index / n, index % n)
      var expected = 0.0
      for l in 0..<k {
        expected +=
          Double(form.transposeA ? a[l * m + i] : a[i * k + l])
          * Double(form.transposeB ? b[j * k + l] : b[l * n + j])
      }
      guard abs(Double(c[index]) - expected) < 1e-5 * Double(k).squareRoot() * 10 else {
        throw BenchmarkFault(
          "\(form.name) \(m),\(n),\(k): element [\(i), \(j)] is \(c[index]), expected \(expected).")
      }
    }
  }
}
