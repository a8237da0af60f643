import CKernels
import Kernels

/// Computes y = f(x Wᵀ + b) for every row.
///
/// Backward: with s = x Wᵀ + b, ds = dy f′(s); dx = ds W, dW += dsᵀ x, db += Σ rows of ds.
///
/// - Parameters:
///   - x: The rows, [..., inputs].
///   - weight: The weight as checkpoints hold it, [outputs, inputs].
///   - bias: The bias, [outputs], if any.
///   - activation: The function f.
///   - context: The pass this is part of.
/// - Returns: The result, [..., outputs].
public func linear(
  _ x: Tensor, _ weight: Tensor, _ bias: Tensor? = nil, activation: Activation = .identity,
  in context: Context
) -> Tensor {
  precondition(weight.shape.rank == 2, "linear needs a weight [outputs, inputs], found \(weight.shape).")
  let (rows, inputs, outputs) = (x.shape.rowCount, x.shape.lastDimension, weight.shape[0])
  precondition(inputs == weight.shape[1], "linear got rows of \(inputs) values for a weight \(weight.shape).")
  precondition(bias == nil || bias?.count == outputs, "linear needs a bias of \(outputs) values.")

  let operands = [x, weight] + (bias.map { [$0] } ?? [])
  let y = Storage(uninitialized: rows * outputs)
  let recording = context.tape != nil && operands.contains { $0.requiresGradient }
  // The value before the activation is only kept when backward will read it.
  let sum = recording && activation != .identity ? Storage(uninitialized: rows * outputs) : y
  LinearKernel(rows: rows, inputs: inputs, outputs: outputs)
    .forward(x.pointer, weight.pointer, bias?.pointer, sum: sum.pointer, y: y.pointer, activation)

  let shape = Shape(x.shape.dimensions.dropLast() + [outputs])
  let result = context.result(y, shape, from: operands)
  if let slot = result.slot {
    // Without an activation `sum` is the output itself, which backward does not need.
    let saved = activation == .identity ? nil : sum
    context.tape?.record(slot) { gradient in
      let kernel = LinearKernel(rows: rows, inputs: inputs, outputs: outputs)
      if let saved {
        RowBlocks.elements(rows * outputs) { offset, count in
          ps_activation_backward(
            activation.kernelCode, saved.pointer + offset, gradient.pointer + offset,
            gradient.pointer + offset,
            count)
        }
      }
      x.slot?.contribute { kernel.inputGradient(gradient.pointer, weight.pointer, into: $0, isFirst: $1) }
      weight.slot?.contribute { kernel.weightGradient(gradient.pointer, x.pointer, into: $0, isFirst: $1) }
      bias?.slot?.accumulate { kernel.biasGradient(gradient.pointer, into: $0) }
    }
  }
  return result
}

/// The three products of a linear layer, each split over workers that call single-threaded BLAS on their part.
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

  func forward(
    _ x: UnsafeMutablePointer<Float>, _ weight: UnsafeMutablePointer<Float>,
    _ bias: UnsafeMutablePointer<Float>?,
    sum: UnsafeMutablePointer<Float>, y: UnsafeMutablePointer<Float>, _ activation: Activation
  ) {
    if isThin {
      let width = (rows + 15) / 16 * 16
      let transposed = Storage(uninitialized: inputs * width)
      ps_transposed_rows(x, Int64(rows), Int64(inputs), transposed.pointer, Int64(width))
      Parallel.forEach(outputs, grain: max(16, RowBlocks.worthwhile / max(1, rows * inputs))) { columns in
        let first = columns.lowerBound
        WorkProfile.time(.matrixProducts) {
          ps_thin_linear(
            transposed.pointer, Int64(width), weight + first * inputs, sum + first, Int64(rows),
            Int64(columns.count), Int64(inputs), Int64(outputs))
        }
        finish(bias, sum: sum, y: y, activation, rows: rows, columns: columns)
      }
    } else {
      splitRows { range in
        let (from, to) = (range.lowerBound * inputs, range.lowerBound * outputs)
        forward(x + from, weight, bias, sum: sum + to, y: y + to, activation, rows: range.count)
      }
    }
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

  /// Adds the bias to some columns of the product and applies the activation.
  private func finish(
    _ bias: UnsafeMutablePointer<Float>?, sum: UnsafeMutablePointer<Float>, y: UnsafeMutablePointer<Float>,
    _ activation: Activation, rows: Int, columns: Range<Int>
  ) {
    let first = columns.lowerBound
    WorkProfile.time(.elementwise) {
      if let bias {
        ps_bias_activation(
          activation.kernelCode, sum + first, bias + first, y + first, Int64(rows), Int64(columns.count),
          Int64(outputs), Int64(outputs))
      } else if activation != .identity {
        for row in 0..<rows {
          let start = row * outputs + first
          ps_activation(activation.kernelCode, sum + start, y + start, Int64(columns.count))
        }
      }
    }
  }

  func inputGradient(
    _ gradient: UnsafeMutablePointer<Float>, _ weight: UnsafeMutablePointer<Float>,
    into dx: UnsafeMutablePointer<Float>, isFirst: Bool
  ) {
    let product = { (rowRange: Range<Int>, columns: Range<Int>) in
      WorkProfile.time(.matrixProducts) {
        gemm(
          m: rowRange.count, n: columns.count, k: outputs, a: gradient + rowRange.lowerBound * outputs,
          lda: outputs, b: weight + columns.lowerBound, ldb: inputs, beta: isFirst ? 0 : 1,
          c: dx + rowRange.lowerBound * inputs + columns.lowerBound, ldc: inputs)
      }
    }
    if isThin {
      Parallel.forEach(inputs, grain: max(16, RowBlocks.worthwhile / max(1, rows * outputs))) {
        product(0..<rows, $0)
      }
    } else {
      splitRows { product($0, 0..<inputs) }
    }
  }

  func weightGradient(
    _ gradient: UnsafeMutablePointer<Float>, _ x: UnsafeMutablePointer<Float>,
    into dw: UnsafeMutablePointer<Float>, isFirst: Bool
  ) {
    Parallel.forEach(outputs, grain: max(1, RowBlocks.worthwhile / max(1, rows * inputs))) { range in
      WorkProfile.time(.matrixProducts) {
        gemm(
          transposeA: true, m: range.count, n: inputs, k: rows, a: gradient + range.lowerBound, lda: outputs,
          b: x, ldb: inputs, beta: isFirst ? 0 : 1, c: dw + range.lowerBound * inputs, ldc: inputs)
      }
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
}
