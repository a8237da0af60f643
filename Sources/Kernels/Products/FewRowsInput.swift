import CKernels

/// Input of few rows, laid out for products with weights that are read as they lie.
///
/// Up to `ps_few_rows` stay as they are and meet the weight in dot products; more are transposed once, and serve as many
/// layers as read them. The memory belongs to the caller and must stay as long as this is used.
struct FewRowsInput {
  let rows: Int
  private let inputs: Int
  private let values: UnsafePointer<Float>
  private var isTransposed: Bool { Self.transposes(rows) }

  /// The rows at `x`, [rows, inputs].
  init(_ x: UnsafePointer<Float>, rows: Int, inputs: Int, in scratch: inout Scratch) {
    var values = x
    if Self.transposes(rows) {
      let transposed = scratch.take(Self.space(rows: rows, inputs: inputs))
      ps_transposed_rows(x, Int64(rows), Int64(inputs), transposed, Int64(Self.width(rows)))
      values = UnsafePointer(transposed)
    }
    self.init(values: values, rows: rows, inputs: inputs)
  }

  /// Runs `body` with rows laid out in memory of their own.
  static func with(_ x: Storage, rows: Int, inputs: Int, _ body: (FewRowsInput) -> Void) {
    let memory = Storage(uninitialized: space(rows: rows, inputs: inputs))
    var scratch = Scratch(memory.pointer, count: memory.count)
    withExtendedLifetime(memory) { body(FewRowsInput(x.pointer, rows: rows, inputs: inputs, in: &scratch)) }
  }

  private init(values: UnsafePointer<Float>, rows: Int, inputs: Int) {
    (self.rows, self.inputs, self.values) = (rows, inputs, values)
  }

  private static func transposes(_ rows: Int) -> Bool { rows > Int(ps_few_rows) }
  /// The length of a transposed row: whole vectors.
  private static func width(_ rows: Int) -> Int { (rows + 15) / 16 * 16 }
  /// The most values that so many rows take of a scratch.
  static func space(rows: Int, inputs: Int) -> Int { Scratch.space(width(rows) * inputs) }

  /// y[rows, outputs] = x weightᵀ + bias, the rows of the weight and of y so many values apart (nil: without gaps).
  func product(
    _ weight: UnsafePointer<Float>, weightStride: Int? = nil, _ bias: UnsafePointer<Float>?,
    outputs: Int, into y: UnsafeMutablePointer<Float>, stride: Int
  ) {
    let weightStride = Int64(weightStride ?? inputs)
    WorkProfile.time(.matrixProducts) {
      if isTransposed {
        ps_thin_linear(
          values, Int64(Self.width(rows)), weight, weightStride, bias, y, Int64(rows), Int64(outputs),
          Int64(inputs), Int64(stride))
      } else {
        ps_few_rows_linear(
          values, weight, weightStride, bias, y, Int64(rows), Int64(outputs), Int64(inputs), Int64(stride))
      }
    }
  }

  /// f(x weightᵀ + bias) as the input of a next layer, without turning the rows back in between.
  func layer(
    _ weight: UnsafePointer<Float>, _ bias: UnsafePointer<Float>?, outputs: Int,
    _ activation: ActivationKernel, in scratch: inout Scratch
  ) -> FewRowsInput {
    let width = isTransposed ? Self.width(rows) : rows
    let result = scratch.take(Self.space(rows: rows, inputs: outputs))
    if isTransposed {
      WorkProfile.time(.matrixProducts) {
        ps_thin_linear_transposed(values, Int64(width), weight, bias, result, Int64(outputs), Int64(inputs))
      }
    } else {
      product(weight, bias, outputs: outputs, into: result, stride: outputs)
    }
    WorkProfile.time(.elementwise) {
      ps_activation(activation.rawValue, result, result, Int64(outputs * width))
    }
    return FewRowsInput(values: result, rows: rows, inputs: outputs)
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
