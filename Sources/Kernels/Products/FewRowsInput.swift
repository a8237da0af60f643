import CKernels

/// Input of few rows, laid out for products with weights that are read as they lie.
///
/// The body, rows that fill whole vectors or nearly, is transposed once and serves as many layers as read it. The tail, up
/// to `ps_few_rows` rows in all or the few behind the last whole vector, meets the weight in dot products. The memory
/// belongs to the caller and must stay as long as this is used.
struct FewRowsInput {
  let rows: Int
  private let inputs: Int
  /// The body, [inputs, width].
  private let body: UnsafePointer<Float>
  /// The tail as it lies, [tailRows, inputs].
  private let tail: UnsafePointer<Float>
  private var tailRows: Int { Self.tailRows(rows) }
  private var bodyRows: Int { rows - tailRows }
  private var width: Int { Self.width(bodyRows) }

  /// The rows at `x`, [rows, inputs].
  init(_ x: UnsafePointer<Float>, rows: Int, inputs: Int, in scratch: inout Scratch) {
    let body = scratch.take(Self.space(rows: rows, inputs: inputs))
    let bodyRows = rows - Self.tailRows(rows)
    if bodyRows > 0 {
      ps_transposed_rows(x, Int64(bodyRows), Int64(inputs), body, Int64(Self.width(bodyRows)))
    }
    self.init(body: body, tail: x + bodyRows * inputs, rows: rows, inputs: inputs)
  }

  /// Runs `body` with rows laid out in memory of their own.
  static func with(_ x: Storage, rows: Int, inputs: Int, _ body: (FewRowsInput) -> Void) {
    let memory = Storage(uninitialized: space(rows: rows, inputs: inputs))
    var scratch = Scratch(memory.pointer, count: memory.count)
    withExtendedLifetime(memory) { body(FewRowsInput(x.pointer, rows: rows, inputs: inputs, in: &scratch)) }
  }

  private init(body: UnsafePointer<Float>, tail: UnsafePointer<Float>, rows: Int, inputs: Int) {
    (self.body, self.tail, self.rows, self.inputs) = (body, tail, rows, inputs)
  }

  /// Rows of half a vector, the least that a product of the body takes.
  private static let leastRows = 8
  /// The most rows behind whole halves of vectors for which dot products are faster than a half that is mostly empty.
  private static let mostTailRows = 2
  /// Outputs whose weights stay in the second-level cache from the body's product to the tail's.
  private static let blockOutputs = 64

  private static func tailRows(_ rows: Int) -> Int {
    if rows <= Int(ps_few_rows) { return rows }
    let rest = rows % leastRows
    return rest <= mostTailRows ? rest : 0
  }
  /// The length of a transposed row.
  private static func width(_ rows: Int) -> Int { (rows + leastRows - 1) / leastRows * leastRows }
  /// The most values that so many rows take of a scratch.
  static func space(rows: Int, inputs: Int) -> Int { Scratch.space(width(rows) * inputs) }

  /// y[rows, outputs] = x weightᵀ + bias, the rows of the weight and of y so many values apart (nil: without gaps).
  func product(
    _ weight: UnsafePointer<Float>, weightStride: Int? = nil, _ bias: UnsafePointer<Float>?,
    outputs: Int, into y: UnsafeMutablePointer<Float>, stride: Int
  ) {
    let weightStride = weightStride ?? inputs
    WorkProfile.time(.matrixProducts) {
      blocks(of: outputs) { first, count in
        let (weight, bias) = (weight + first * weightStride, bias.map { $0 + first })
        if bodyRows > 0 {
          ps_thin_linear(
            body, Int64(width), weight, Int64(weightStride), bias, y + first, Int64(bodyRows), Int64(count),
            Int64(inputs), Int64(stride))
        }
        if tailRows > 0 {
          ps_few_rows_linear(
            tail, weight, Int64(weightStride), bias, y + bodyRows * stride + first, Int64(tailRows),
            Int64(count), Int64(inputs), Int64(stride))
        }
      }
    }
  }

  /// f(x weightᵀ + bias) as the input of a next layer, without turning the rows back in between.
  func layer(
    _ weight: UnsafePointer<Float>, _ bias: UnsafePointer<Float>?, outputs: Int,
    _ activation: ActivationKernel, in scratch: inout Scratch
  ) -> FewRowsInput {
    let (bodyCount, tailCount) = (outputs * width, outputs * tailRows)
    let result = scratch.take(Self.space(rows: rows, inputs: outputs))
    let resultTail = result + bodyCount
    WorkProfile.time(.matrixProducts) {
      blocks(of: outputs) { first, count in
        let (weight, bias) = (weight + first * inputs, bias.map { $0 + first })
        if bodyRows > 0 {
          ps_thin_linear_transposed(
            body, Int64(width), weight, bias, result + first * width, Int64(count), Int64(inputs))
        }
        if tailRows > 0 {
          ps_few_rows_linear(
            tail, weight, Int64(inputs), bias, resultTail + first, Int64(tailRows), Int64(count),
            Int64(inputs), Int64(outputs))
        }
      }
    }
    WorkProfile.time(.elementwise) {
      ps_activation(activation.rawValue, result, result, Int64(bodyCount + tailCount))
    }
    return FewRowsInput(body: result, tail: resultTail, rows: rows, inputs: outputs)
  }

  /// Runs `body` over blocks of outputs; over all at once where body or tail is empty.
  private func blocks(of outputs: Int, _ body: (_ first: Int, _ count: Int) -> Void) {
    let length = bodyRows > 0 && tailRows > 0 ? Self.blockOutputs : max(1, outputs)
    for first in stride(from: 0, to: outputs, by: length) { body(first, min(length, outputs - first)) }
  }
}

/// The product of one step's rows with a matrix that stays the same from step to step, in parts that workers take.
struct StepProduct {
  private let x: UnsafeMutablePointer<Float>
  private let rows: Int
  private let inputs: Int
  private let input: FewRowsInput?

  /// The values that a step of at most so many rows takes of a scratch.
  static func space(rows: Int, inputs: Int) -> Int {
    FewRowsInput.space(rows: min(rows, Int(ps_thin_rows)), inputs: inputs)
  }

  /// - Parameters:
  ///   - x: The rows, [rows, inputs].
  ///   - memory: `space` values, which must stay as long as this is used.
  init(_ x: UnsafeMutablePointer<Float>, rows: Int, inputs: Int, memory: Storage) {
    (self.x, self.rows, self.inputs) = (x, rows, inputs)
    // Few rows do not repay a BLAS's packing of the matrix, step after step.
    if rows < Int(ps_thin_rows) {
      var scratch = Scratch(memory.pointer, count: memory.count)
      input = FewRowsInput(x, rows: rows, inputs: inputs, in: &scratch)
    } else {
      input = nil
    }
  }

  /// y[row, output] = x[row] · matrix[output] for some outputs, on this thread; rows of `y` are `stride` values apart.
  func callAsFunction(
    _ matrix: UnsafePointer<Float>, outputs: Range<Int>, into y: UnsafeMutablePointer<Float>,
    stride: Int
  ) {
    let (first, part) = (outputs.lowerBound, matrix + outputs.lowerBound * inputs)
    if let input {
      input.product(part, nil, outputs: outputs.count, into: y + first, stride: stride)
    } else {
      WorkProfile.time(.matrixProducts) {
        gemm(
          transposeB: true, m: rows, n: outputs.count, k: inputs, a: x, lda: inputs, b: part, ldb: inputs,
          c: y + first, ldc: stride)
      }
    }
  }
}
