import BenchmarkHarness
import CKernels
import Foundation
import Potstill

/// The fused loops of a training step, on one thread: in cache and from memory.
enum KernelBenchmark: Benchmark {
  static let name = "kernels"
  static let summary = "fused loops on one thread, nanoseconds per element"

  static func run(_ arguments: [String]) throws {
    let table = Table(["loop", "in L2", "memory"], first: 40)
    let small = Rows(rows: 32, cols: 768)
    let large = Rows(rows: 8_192, cols: 768)
    try small.check()
    for (name, work) in loops {
      let cells = [small, large].map { data in
        let count = Double(data.rows * data.cols)
        let found = Measurement(minimumSeconds: 0.1) { work(data) }
        return (found.median / count * 1e9).fixed(3)
      }
      table.row([name] + cells)
    }
  }

  /// Buffers for `rows` rows, allocated once.
  final class Rows {
    let rows: Int
    let cols: Int
    let x, y, z, w: UnsafeMutablePointer<Float>
    let column: UnsafeMutablePointer<Float>
    let gradient: UnsafeMutablePointer<Float>

    init(rows: Int, cols: Int) {
      self.rows = rows
      self.cols = cols
      func buffer(_ count: Int, seed: UInt64) -> UnsafeMutablePointer<Float> {
        let pointer = UnsafeMutablePointer<Float>.allocate(capacity: count)
        pointer.initialize(from: numbers(count, seed: seed), count: count)
        return pointer
      }
      x = buffer(rows * cols, seed: 1)
      y = buffer(rows * cols, seed: 2)
      z = buffer(rows * cols, seed: 3)
      w = buffer(rows * cols, seed: 4)
      column = buffer(max(rows, 4 * cols), seed: 5)
      gradient = buffer(max(rows, 4 * cols), seed: 6)
    }

    deinit { for pointer in [x, y, z, w, column, gradient] { pointer.deallocate() } }

    /// The exact GELU of the first row, against the C library.
    func check() throws {
      ps_activation(1, x, y, Int64(cols))
      for i in 0..<cols {
        let value = Double(x[i])
        let expected = value * 0.5 * erfc(-value / 2.0.squareRoot())
        guard abs(Double(y[i]) - expected) < 2e-7 else {
          throw BenchmarkFault("GELU(\(value)) is \(y[i]), expected \(expected).")
        }
      }
    }
  }

  private static var loops: [(String, (Rows) -> Void)] {
    [
      ("bias + GELU", { d in ps_bias_activation(1, d.x, d.column, d.y, d.r, d.c, d.c, d.c) }),
      ("GELU backward", { d in ps_activation_backward(1, d.x, d.y, d.z, d.r * d.c) }),
      ("softmax, rows of 128", { d in ps_softmax(d.x, d.y, d.r * 6, 128, 128, 128, 0.125) }),
      (
        "softmax backward, rows of 128",
        { d in ps_softmax_backward(d.x, d.y, d.z, d.r * 6, 128, 128, 128, 128, 1) }
      ),
      ("dropout", { d in ps_dropout(d.x, d.y, d.r * d.c, 1, 2, 0, 0.1) }),
      (
        "residual + dropout + LayerNorm",
        { d in
          ps_residual_layer_norm(
            d.x, d.y, d.column, d.column, d.z, d.w, d.gradient, d.r, d.c, 1e-12, 1, 2, 0, 0.1)
        }
      ),
      (
        "residual + LayerNorm, inference",
        { d in
          ps_residual_layer_norm(d.x, d.y, d.column, d.column, d.z, nil, nil, d.r, d.c, 1e-12, 1, 2, 0, 0)
        }
      ),
      (
        "residual + dropout + LayerNorm backward",
        { d in
          ps_residual_layer_norm_backward(
            d.x, d.y, d.column, d.column, d.z, 0, d.w, 0, d.gradient, d.gradient + d.cols, d.r, d.c, 1, 2, 0,
            0.1)
        }
      ),
      ("AdamW", { d in ps_adamw(d.x, d.y, d.z, d.w, d.r * d.c, 1e-5, 0.9, 0.999, 1e-8, 0.99, 1, 1, 1) }),
      ("sum of squares", { d in d.gradient[0] = Float(ps_sum_squares(d.x, d.r * d.c)) }),
      ("column sums", { d in ps_column_sums(d.x, d.gradient, d.r, d.c, d.c) }),
      ("add", { d in ps_add(d.x, d.y, d.z, d.r * d.c) }),
    ]
  }
}

extension KernelBenchmark.Rows {
  fileprivate var r: Int64 { Int64(rows) }
  fileprivate var c: Int64 { Int64(cols) }
}
