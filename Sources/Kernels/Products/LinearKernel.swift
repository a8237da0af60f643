import CKernels

/// The weights of a linear layer, y = f(x Wᵀ + b), and their products: the one place that knows how to multiply by them.
///
/// Every product has a form that is split over workers, each with single-threaded BLAS on its part, and one that computes a
/// part on the calling thread, from which operations of several layers make regions of their own.
package struct LinearKernel: Sendable {
  /// W, [outputs, inputs].
  let weight: Storage
  /// b, [outputs], if any.
  let bias: Storage?
  package let inputs: Int
  package let outputs: Int

  /// A kernel for a dense weight.
  package init(weight: Storage, bias: Storage?, inputs: Int, outputs: Int) {
    (self.weight, self.bias, self.inputs, self.outputs) = (weight, bias, inputs, outputs)
  }

  // MARK: Forward

  /// Computes y = f(x Wᵀ + b) of rows; `sum` keeps the value before f, and may be y.
  package func forward(
    _ x: Storage, rows: Int, sum: Storage, y: Storage, activation: ActivationKernel = .identity
  ) {
    let split = LinearSplit(rows: rows, inputs: inputs, outputs: outputs)
    if split.hasFewRows {
      FewRowsInput.with(x, rows: rows, inputs: inputs) { input in
        split.outputs { forward(input, sum: sum.pointer, y: y.pointer, activation, columns: $0) }
      }
    } else {
      split.rows { range in
        let to = range.lowerBound * outputs
        forward(
          x.pointer + range.lowerBound * inputs, rows: range.count, sum: sum.pointer + to, y: y.pointer + to,
          activation)
      }
    }
  }

  /// The forward pass of some rows, whose `x`, `sum` and `y` begin at these pointers, on this thread.
  func forward(
    _ x: UnsafePointer<Float>, rows: Int, sum: UnsafeMutablePointer<Float>, y: UnsafeMutablePointer<Float>,
    _ activation: ActivationKernel
  ) {
    WorkProfile.time(.matrixProducts) {
      gemm(
        transposeB: true, m: rows, n: outputs, k: inputs, a: x, lda: inputs, b: weight.pointer, ldb: inputs,
        c: sum, ldc: outputs)
    }
    finish(bias?.pointer, sum: sum, y: y, activation, rows: rows, columns: 0..<outputs)
  }

  /// The forward pass of some outputs of few rows, on this thread; the pointers are to the first output.
  func forward(
    _ input: FewRowsInput, sum: UnsafeMutablePointer<Float>, y: UnsafeMutablePointer<Float>,
    _ activation: ActivationKernel, columns: Range<Int>
  ) {
    project(input, columns: columns, into: sum + columns.lowerBound, stride: outputs)
    finish(nil, sum: sum, y: y, activation, rows: input.rows, columns: columns)
  }

  /// x Wᵀ + b of some outputs, on this thread; rows of `y` are `stride` values apart.
  func project(_ input: FewRowsInput, columns: Range<Int>, into y: UnsafeMutablePointer<Float>, stride: Int) {
    let first = columns.lowerBound
    input.product(
      weight.pointer + first * inputs, bias.map { $0.pointer + first }, outputs: columns.count, into: y,
      stride: stride)
  }

  /// f(x Wᵀ + b) of some outputs, laid out as the input of a next layer, on this thread.
  func layer(
    _ input: FewRowsInput, columns: Range<Int>, _ activation: ActivationKernel, in scratch: inout Scratch
  ) -> FewRowsInput {
    let first = columns.lowerBound
    return input.layer(
      weight.pointer + first * inputs, bias.map { $0.pointer + first }, outputs: columns.count, activation,
      in: &scratch)
  }

  /// Part of x Wᵀ that some of the inputs contribute, on this thread, with b where `addsBias` says so.
  func partialSum(
    _ input: FewRowsInput, ofInputs range: Range<Int>, addsBias: Bool, into y: UnsafeMutablePointer<Float>
  ) {
    input.product(
      weight.pointer + range.lowerBound, weightStride: inputs, addsBias ? bias?.pointer : nil,
      outputs: outputs,
      into: y, stride: outputs)
  }

  /// Adds the bias to some columns of the product and applies the activation.
  private func finish(
    _ bias: UnsafePointer<Float>?, sum: UnsafeMutablePointer<Float>, y: UnsafeMutablePointer<Float>,
    _ activation: ActivationKernel, rows: Int, columns: Range<Int>
  ) {
    let first = columns.lowerBound
    if bias == nil, activation == .identity { return }
    WorkProfile.time(.elementwise) {
      if let bias {
        ps_bias_activation(
          activation.rawValue, sum + first, bias + first, y + first, Int64(rows), Int64(columns.count),
          Int64(outputs), Int64(outputs))
      } else {
        for row in 0..<rows {
          let start = row * outputs + first
          ps_activation(activation.rawValue, sum + start, y + start, Int64(columns.count))
        }
      }
    }
  }

  // MARK: Backward

  /// Computes dx = dy W, or dx += dy W.
  package func inputGradient(_ dy: Storage, rows: Int, into dx: Storage, adding: Bool) {
    LinearSplit(rows: rows, inputs: inputs, outputs: outputs).inputGradient {
      inputGradient(dy, into: dx, adding: adding, rows: $0, columns: $1)
    }
  }

  /// The input gradient of some rows and columns, on this thread.
  func inputGradient(_ dy: Storage, into dx: Storage, adding: Bool, rows: Range<Int>, columns: Range<Int>) {
    WorkProfile.time(.matrixProducts) {
      gemm(
        m: rows.count, n: columns.count, k: outputs, a: dy.pointer + rows.lowerBound * outputs,
        lda: outputs, b: weight.pointer + columns.lowerBound, ldb: inputs, beta: adding ? 1 : 0,
        c: dx.pointer + rows.lowerBound * inputs + columns.lowerBound, ldc: inputs)
    }
  }

  /// Computes dW = dyᵀ x, or dW += dyᵀ x.
  package func weightGradient(_ dy: Storage, _ x: Storage, rows: Int, into dw: Storage, adding: Bool) {
    GradientSplit(rows: rows, inputs: inputs, outputs: outputs).add(into: dw, adding: adding) {
      part, sums, adding in
      let (output, input) = (part.outputs.lowerBound, part.inputs.lowerBound)
      WorkProfile.time(.matrixProducts) {
        gemm(
          transposeA: true, m: part.outputs.count, n: part.inputs.count, k: part.rows.count,
          a: dy.pointer + part.rows.lowerBound * outputs + output, lda: outputs,
          b: x.pointer + part.rows.lowerBound * inputs + input, ldb: inputs, beta: adding ? 1 : 0,
          c: sums + output * inputs + input, ldc: inputs)
      }
    }
  }

  /// Computes db += Σ rows of dy.
  package func addBiasGradient(_ dy: Storage, rows: Int, to db: Storage) {
    Reductions.addColumnSums(dy, rows: rows, columns: outputs, to: db)
  }
}

/// Split of the product of rows with a weight among workers.
struct LinearSplit {
  private let count: Int
  private let inputCount: Int
  private let outputCount: Int

  init(rows: Int, inputs: Int, outputs: Int) { (count, inputCount, outputCount) = (rows, inputs, outputs) }

  /// Rows per GEMM call: large enough that packing the weight is cheap, small enough that the epilogue finds the
  /// block in cache.
  private static let blockRows = 512
  /// The fewest rows of a GEMM; with fewer, splitting the outputs is better.
  private static let fewRows = 64
  /// The fewest rows of a GEMM whose packing of the weight costs less than a twentieth of it.
  static let leastRows = 256
  /// The same of a part of a weight's gradient, which is packed with all rows.
  static let leastGradient = 192

  /// Whether there are so few rows that the outputs are split instead and the weight is read as it lies.
  var hasFewRows: Bool { count < Int(ps_thin_rows) }

  /// Runs `body` over blocks of rows of nearly the same length, each worker's one after the other.
  func rows(atMost blockRows: Int = Self.blockRows, _ body: (Range<Int>) -> Void) {
    Parallel.forEach(count, grain: Self.fewRows / 2, least: Self.leastRows) { range in
      let blocks = (range.count + blockRows - 1) / blockRows
      for block in 0..<blocks {
        let lower = range.lowerBound + range.count * block / blocks
        body(lower..<range.lowerBound + range.count * (block + 1) / blocks)
      }
    }
  }

  /// Runs `body` over parts of the outputs of few rows.
  func outputs(_ body: (Range<Int>) -> Void) {
    Parallel.forEach(outputCount, grain: max(16, RowBlocks.worthwhile / max(1, count * inputCount)), body)
  }

  /// Runs `body` over parts of the input gradient: rows, or columns where the rows are few.
  func inputGradient(_ body: (_ rows: Range<Int>, _ columns: Range<Int>) -> Void) {
    if count < Self.fewRows {
      Parallel.forEach(
        inputCount, grain: max(16, RowBlocks.worthwhile / max(1, count * outputCount)), least: Self.leastRows
      ) {
        body(0..<count, $0)
      }
    } else {
      rows { body($0, 0..<inputCount) }
    }
  }
}

/// A matrix in a storage, or its transpose, as a product takes it.
package struct Matrix {
  private let storage: Storage
  /// The number of rows.
  package let rows: Int
  /// The number of columns.
  package let columns: Int
  private let isTransposed: Bool

  /// The matrix stored as [rows, columns], or its transpose.
  package init(_ storage: Storage, rows: Int, columns: Int, isTransposed: Bool = false) {
    (self.storage, self.isTransposed) = (storage, isTransposed)
    (self.rows, self.columns) = isTransposed ? (columns, rows) : (rows, columns)
  }

  /// The length of a row as stored.
  private var stride: Int { isTransposed ? rows : columns }
  /// The transpose, of the same storage.
  package var transposed: Matrix {
    Matrix(storage, rows: isTransposed ? columns : rows, columns: stride, isTransposed: !isTransposed)
  }

  /// c[m, n] = self[m, k] b[k, n], or c += it; workers take rows of the product.
  package func multiply(_ b: Matrix, into c: Storage, adding: Bool = false) {
    let (m, n, k) = (rows, b.columns, columns)
    Parallel.forEach(
      m, grain: max(16, RowBlocks.worthwhile / max(1, n * k)), least: LinearSplit.leastRows
    ) { rows in
      // In a transposed operand the rows of the product are columns.
      let first = storage.pointer + rows.lowerBound * (isTransposed ? 1 : stride)
      WorkProfile.time(.matrixProducts) {
        gemm(
          transposeA: isTransposed, transposeB: b.isTransposed, m: rows.count, n: n, k: k, a: first,
          lda: stride,
          b: b.storage.pointer, ldb: b.stride, beta: adding ? 1 : 0, c: c.pointer + rows.lowerBound * n,
          ldc: n)
      }
    }
  }
}
