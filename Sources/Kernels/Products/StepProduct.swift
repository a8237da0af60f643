import CKernels

/// The product of one step's rows with a matrix that stays the same from step to step, in parts that workers take.
struct StepProduct {
  private let x: UnsafeMutablePointer<Float>
  private let rows: Int
  private let inputs: Int
  private let thin: ThinInput?

  /// The values that a step of at most so many rows takes of a scratch.
  static func space(rows: Int, inputs: Int) -> Int {
    ThinInput.space(rows: min(rows, Int(ps_thin_rows)), inputs: inputs)
  }

  /// - Parameters:
  ///   - x: The rows, [rows, inputs].
  ///   - memory: `space` values, which must stay as long as this is used.
  init(_ x: UnsafeMutablePointer<Float>, rows: Int, inputs: Int, memory: Storage) {
    (self.x, self.rows, self.inputs) = (x, rows, inputs)
    // Few rows do not repay a BLAS's packing of the matrix, step after step.
    if rows < Int(ps_thin_rows) {
      var scratch = Scratch(memory.pointer, count: memory.count)
      thin = ThinInput(x, rows: rows, inputs: inputs, in: &scratch)
    } else {
      thin = nil
    }
  }

  /// y[row, output] = x[row] · matrix[output] for some outputs, on this thread; rows of `y` are `stride` values apart.
  func callAsFunction(
    _ matrix: UnsafePointer<Float>, outputs: Range<Int>, into y: UnsafeMutablePointer<Float>,
    stride: Int
  ) {
    let (first, part) = (outputs.lowerBound, matrix + outputs.lowerBound * inputs)
    if let thin {
      thin.product(part, nil, outputs: outputs.count, into: y + first, stride: stride)
    } else {
      WorkProfile.time(.matrixProducts) {
        gemm(
          transposeB: true, m: rows, n: outputs.count, k: inputs, a: x, lda: inputs, b: part, ldb: inputs,
          c: y + first, ldc: stride)
      }
    }
  }
}
