import BenchmarkHarness
import CKernels
import Potstill

/// What it costs to hand work to the other cores.
enum RegionBenchmark: Benchmark {
  static let name = "regions"
  static let summary = "a parallel region that does next to nothing, microseconds"

  static func run(_ arguments: [String]) throws {
    let (m, n, k) = (8, 16, 16)
    let (a, b) = (numbers(m * k), numbers(k * n))
    var c = [Float](repeating: 0, count: m * n)
    let table = Table(["threads", "median", "min", "max"])
    for threads in Set([1, Parallel.threadCount]).sorted() {
      let found = try Measurement(repetitions: 1_000) {
        try BLAS.multiply(a, b, into: &c, m: m, n: n, k: k, threads: threads)
      }
      table.row(
        [
          "\(threads)", (found.median * 1e6).fixed(2), (found.minimum * 1e6).fixed(2),
          (found.maximum * 1e6).fixed(2),
        ])
    }
  }
}
