import BenchmarkHarness
import CKernels
import Foundation
import Potstill

/// Attention of one head over one sequence, on one thread.
enum AttentionBenchmark: Benchmark {
  static let name = "attention"
  static let summary =
    "one head of one sequence with dropout, microseconds on one thread and GF/s of its products"

  static func run(_ arguments: [String]) throws {
    let lengths = arguments.compactMap { Int($0) }
    let table = Table(["head size, length", "forward", "GF/s", "backward", "GF/s"])
    for size in [26, 32, 64] {
      for length in lengths.isEmpty ? [8, 13, 20, 32, 64, 128, 512] : lengths {
        let head = Head(size: size, length: length)
        try head.check()
        let forward = Measurement(minimumSeconds: 0.1, repetitions: 20) { head.forward(dropout: 0.1) }
        let backward = Measurement(minimumSeconds: 0.1, repetitions: 20) { head.backward(dropout: 0.1) }
        let operations = 4 * Double(length * length * size)
        table.row([
          "\(size), \(length)", (forward.median * 1e6).fixed(2), (operations / forward.median / 1e9).fixed(0),
          (backward.median * 1e6).fixed(2), (2 * operations / backward.median / 1e9).fixed(0),
        ])
      }
    }
  }
}

/// The last of twelve heads in rows that hold all twelve.
private final class Head {
  private let size: Int
  private let length: Int
  private let width: Int
  private var q, k, v, dout, out, dq, dk, dv, probs, scratch: [Float]

  init(size: Int, length: Int) {
    (self.size, self.length, width) = (size, length, 12 * size)
    // Only the head itself is read, so its rows may start at 0 and the last may be short.
    (q, k) = (numbers(length * width, seed: 1), numbers(length * width, seed: 2))
    (v, dout) = (numbers(length * width, seed: 3), numbers(length * width, seed: 4))
    let zeros = [Float](repeating: 0, count: length * width)
    (out, dq, dk, dv) = (zeros, zeros, zeros, zeros)
    probs = [Float](repeating: 0, count: length * length)
    scratch = [Float](repeating: 0, count: Int(ps_attention_scratch(Int64(length), Int64(size))))
  }

  private func shape(_ dropout: Float) -> ps_attention {
    let (length, width) = (Int64(length), Int64(width))
    return ps_attention(
      queries: length, keys: length, head_dim: Int64(size), ldq: width, ldk: width, ldv: width, ldo: width,
      scale: 1 / Float(size).squareRoot(), probability: dropout, seed: 1, stream: 2, first: 0)
  }

  func forward(dropout: Float) {
    var shape = shape(dropout)
    ps_attention_forward(&shape, q, k, v, &out, nil, &probs, &scratch)
  }

  func backward(dropout: Float) {
    var shape = shape(dropout)
    ps_attention_backward(&shape, q, k, v, probs, dout, nil, nil, &dq, &dk, &dv, 0, &scratch)
  }

  /// Compares the first and the last query's output with a plain loop.
  func check() throws {
    forward(dropout: 0)
    for query in Set([0, length - 1]) {
      let weights = (0..<length).map { key in
        exp(
          (0..<size).reduce(0.0) { $0 + Double(q[query * width + $1]) * Double(k[key * width + $1]) }
            / Double(size).squareRoot())
      }
      let sum = weights.reduce(0, +)
      for d in 0..<size {
        let expected = (0..<length).reduce(0.0) { $0 + weights[$1] / sum * Double(v[$1 * width + d]) }
        guard abs(Double(out[query * width + d]) - expected) < 1e-5 else {
          throw BenchmarkFault(
            "Attention of \(length) tokens, query \(query): \(out[query * width + d]), expected \(expected).")
        }
      }
    }
  }
}
