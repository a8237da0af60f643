import Kernels

// Training of floats that will be 8-bit integers: what they compute is what the integers compute, to the bit, and gradients pass
// the rounding straight through (Bengio, Léonard and Courville 2013; Jacob and others 2018).

extension LinearWeights {
  /// A weight [outputs, inputs] and a bias [outputs], if any, that compute as 8-bit integers do while gradients go to the floats.
  package init(simulatingInt8 weight: Tensor, bias: Tensor? = nil) {
    precondition(
      weight.shape.rank == 2, "A linear layer needs a weight [outputs, inputs], found \(weight.shape).")
    let matrix = QuantizedMatrix(weight.storage, rows: weight.shape[0], columns: weight.shape[1])
    self.init(.simulated(weight, matrix), bias: bias)
  }
}

extension Tensor {
  /// The rows x̂ Ŵᵀ + b, where x̂ and Ŵ are what the integers of x (row by row, as they come) and W (output by output) stand for.
  ///
  /// Backward, straight through: dx = dy Ŵ, dW += dyᵀ x̂, db += Σ rows of dy.
  ///
  /// - Parameters:
  ///   - weight: W, [outputs, inputs].
  ///   - matrix: The integers of W.
  ///   - bias: b, [outputs], if any.
  func simulatedLinear(_ weight: Tensor, _ matrix: QuantizedMatrix, bias: Tensor?) -> Tensor {
    let (rows, inputs, outputs) = (shape.rowCount, matrix.columns, matrix.rows)
    let y = Storage(uninitialized: rows * outputs)
    QuantizedLinearKernel.forward(
      storage, rows: rows, layers: [QuantizedLinearKernel(weight: matrix, bias: bias?.storage)], into: [y])
    let result = Tensor.result(
      y, Shape(shape.dimensions.dropLast() + [outputs]), from: self, weight, bias)
    if let tape = result.tape {
      tape.record(result) { dy in
        let kernel = LinearKernel(
          weight: matrix.dequantized(), bias: bias?.storage, inputs: inputs, outputs: outputs)
        slot?.contribute { kernel.inputGradient(dy, rows: rows, into: $0, adding: $1) }
        weight.slot?.contribute { gradient, adding in
          let x = QuantizedLinearKernel.rounded(storage, rows: rows, columns: inputs)
          kernel.weightGradient(dy, x, rows: rows, into: gradient, adding: adding)
        }
        bias?.slot?.accumulate { kernel.addBiasGradient(dy, rows: rows, to: $0) }
      }
    }
    return result
  }

  /// The rows that the integers of a table of these rows stand for, [..., features]: each value at the nearest multiple of
  /// its row's max |x| / 127; dx = dy, straight through.
  func roundedToIntegers() -> Tensor {
    let y = QuantizedMatrix(storage, rows: shape.rowCount, columns: shape.lastDimension).dequantized()
    let result = Tensor.result(y, shape, from: self)
    if let tape = result.tape { tape.record(result) { dy in slot?.add(dy) } }
    return result
  }
}
