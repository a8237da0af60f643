import CKernels
import Kernels

/// The three products of a linear layer, each split over workers that call single-threaded BLAS on their part.
///
/// Every product has a form that is split over workers and one that computes a part on the calling thread, from which
/// operations of several layers make regions of their own.
struct LinearKernel {
  let rows: Int
  let inputs: Int
  let outputs: Int

  /// Rows per GEMM call: large enough that packing the weight is cheap, small enough that the epilogue finds the
  /// block in cache.
  private static let blockRows = 512
  /// With fewer rows than this a worker's GEMM is thin, and splitting the outputs is better.
  private static let thinRows = Int(ps_thin_rows)

  /// Whether there are so few rows that the outputs are split instead.
  var isThin: Bool { rows < Self.thinRows }

  // MARK: Forward

  func forward(
    _ x: UnsafeMutablePointer<Float>, _ weight: UnsafeMutablePointer<Float>,
    _ bias: UnsafeMutablePointer<Float>?,
    sum: UnsafeMutablePointer<Float>, y: UnsafeMutablePointer<Float>, _ activation: Activation
  ) {
    if isThin {
      withThinInput(x) { input in
        splitOutputs { forward(input, weight, bias, sum: sum, y: y, activation, columns: $0) }
      }
    } else {
      splitRows { range in
        let (from, to) = (range.lowerBound * inputs, range.lowerBound * outputs)
        forward(x + from, weight, bias, sum: sum + to, y: y + to, activation, rows: range.count)
      }
    }
  }

  /// Runs `body` with the rows at `x` laid out for products of few rows.
  func withThinInput(_ x: UnsafeMutablePointer<Float>, _ body: (ThinInput) -> Void) {
    let memory = Storage(uninitialized: ThinInput.space(rows: rows, inputs: inputs))
    var scratch = Scratch(memory.pointer, count: memory.count)
    withExtendedLifetime(memory) { body(ThinInput(x, rows: rows, inputs: inputs, in: &scratch)) }
  }

  /// The forward pass of some rows, whose `x`, `sum` and `y` begin at these pointers, on this thread.
  func forward(
    _ x: UnsafeMutablePointer<Float>, _ weight: UnsafeMutablePointer<Float>,
    _ bias: UnsafeMutablePointer<Float>?, sum: UnsafeMutablePointer<Float>, y: UnsafeMutablePointer<Float>,
    _ activation: Activation, rows: Int
  ) {
    WorkProfile.time(.matrixProducts) {
      gemm(
        transposeB: true, m: rows, n: outputs, k: inputs, a: x, lda: inputs, b: weight, ldb: inputs, c: sum,
        ldc: outputs)
    }
    finish(bias, sum: sum, y: y, activation, rows: rows, columns: 0..<outputs)
  }

  /// The forward pass of some outputs of few rows, on this thread; the pointers are to the first output.
  func forward(
    _ input: ThinInput, _ weight: UnsafeMutablePointer<Float>, _ bias: UnsafeMutablePointer<Float>?,
    sum: UnsafeMutablePointer<Float>, y: UnsafeMutablePointer<Float>, _ activation: Activation,
    columns: Range<Int>
  ) {
    let first = columns.lowerBound
    input.product(
      weight + first * inputs, bias.map { $0 + first }, outputs: columns.count, into: sum + first,
      stride: outputs)
    finish(nil, sum: sum, y: y, activation, rows: rows, columns: columns)
  }

  /// Adds the bias to some columns of the product and applies the activation.
  private func finish(
    _ bias: UnsafeMutablePointer<Float>?, sum: UnsafeMutablePointer<Float>, y: UnsafeMutablePointer<Float>,
    _ activation: Activation, rows: Int, columns: Range<Int>
  ) {
    let first = columns.lowerBound
    if bias == nil, activation == .identity { return }
    WorkProfile.time(.elementwise) {
      if let bias {
        ps_bias_activation(
          activation.kernelCode, sum + first, bias + first, y + first, Int64(rows), Int64(columns.count),
          Int64(outputs), Int64(outputs))
      } else {
        for row in 0..<rows {
          let start = row * outputs + first
          ps_activation(activation.kernelCode, sum + start, y + start, Int64(columns.count))
        }
      }
    }
  }

  // MARK: Backward

  func inputGradient(
    _ gradient: UnsafeMutablePointer<Float>, _ weight: UnsafeMutablePointer<Float>,
    into dx: UnsafeMutablePointer<Float>, isFirst: Bool
  ) {
    splitInputGradient { inputGradient(gradient, weight, into: dx, isFirst: isFirst, rows: $0, columns: $1) }
  }

  /// The input gradient of some rows and columns, on this thread.
  func inputGradient(
    _ gradient: UnsafeMutablePointer<Float>, _ weight: UnsafeMutablePointer<Float>,
    into dx: UnsafeMutablePointer<Float>, isFirst: Bool, rows: Range<Int>, columns: Range<Int>
  ) {
    WorkProfile.time(.matrixProducts) {
      gemm(
        m: rows.count, n: columns.count, k: outputs, a: gradient + rows.lowerBound * outputs,
        lda: outputs, b: weight + columns.lowerBound, ldb: inputs, beta: isFirst ? 0 : 1,
        c: dx + rows.lowerBound * inputs + columns.lowerBound, ldc: inputs)
    }
  }

  func weightGradient(
    _ gradient: UnsafeMutablePointer<Float>, _ x: UnsafeMutablePointer<Float>,
    into dw: UnsafeMutablePointer<Float>, isFirst: Bool
  ) {
    Parallel.forEach(outputs, grain: weightGradientGrain) {
      weightGradient(gradient, x, into: dw, isFirst: isFirst, outputs: $0)
    }
  }

  /// The gradient of some of the weight's rows, on this thread.
  func weightGradient(
    _ gradient: UnsafeMutablePointer<Float>, _ x: UnsafeMutablePointer<Float>,
    into dw: UnsafeMutablePointer<Float>, isFirst: Bool, outputs range: Range<Int>
  ) {
    WorkProfile.time(.matrixProducts) {
      gemm(
        transposeA: true, m: range.count, n: inputs, k: rows, a: gradient + range.lowerBound, lda: outputs,
        b: x, ldb: inputs, beta: isFirst ? 0 : 1, c: dw + range.lowerBound * inputs, ldc: inputs)
    }
  }

  func biasGradient(_ gradient: UnsafeMutablePointer<Float>, into db: UnsafeMutablePointer<Float>) {
    Parallel.forEach(outputs, grain: max(64, RowBlocks.worthwhile / max(1, rows))) { range in
      WorkProfile.time(.elementwise) {
        ps_column_sums(
          gradient + range.lowerBound, db + range.lowerBound, Int64(rows), Int64(range.count), Int64(outputs))
      }
    }
  }

  // MARK: Splitting

  /// Runs `body` over blocks of rows of nearly the same length, each worker's one after the other.
  func splitRows(atMost blockRows: Int = Self.blockRows, _ body: (Range<Int>) -> Void) {
    Parallel.forEach(rows, grain: Self.thinRows / 2) { range in
      let blocks = (range.count + blockRows - 1) / blockRows
      for block in 0..<blocks {
        let lower = range.lowerBound + range.count * block / blocks
        body(lower..<range.lowerBound + range.count * (block + 1) / blocks)
      }
    }
  }

  /// Runs `body` over parts of the outputs of few rows.
  func splitOutputs(_ body: (Range<Int>) -> Void) {
    Parallel.forEach(outputs, grain: max(16, RowBlocks.worthwhile / max(1, rows * inputs)), body)
  }

  /// Runs `body` over parts of the input gradient: rows, or columns where the rows are few.
  func splitInputGradient(_ body: (_ rows: Range<Int>, _ columns: Range<Int>) -> Void) {
    if isThin {
      Parallel.forEach(inputs, grain: max(16, RowBlocks.worthwhile / max(1, rows * outputs))) {
        body(0..<rows, $0)
      }
    } else {
      splitRows { body($0, 0..<inputs) }
    }
  }

  /// The fewest of the weight's rows whose gradient is worth a worker.
  var weightGradientGrain: Int { max(1, RowBlocks.worthwhile / max(1, rows * inputs)) }
}
