import CKernels
import Kernels

extension Tensor {
  /// Computes y = f(x Wᵀ + b) for every row.
  ///
  /// Backward: with s = x Wᵀ + b, ds = dy f′(s); dx = ds W, dW += dsᵀ x, db += Σ rows of ds.
  ///
  /// - Parameters:
  ///   - weights: W [outputs, inputs] and b [outputs], if any.
  ///   - activation: The function f.
  /// - Returns: The result, [..., outputs].
  public func linear(_ weights: LinearWeights, activation: Activation = .identity) -> Tensor {
    let (weight, bias) = (weights.weight, weights.bias)
    let x = self
    let (rows, inputs, outputs) = (x.shape.rowCount, x.shape.lastDimension, weight.shape[0])
    precondition(
      inputs == weight.shape[1], "linear got rows of \(inputs) values for a weight \(weight.shape).")

    let tape = Tensor.tape(of: [x] + weights.tensors)
    let y = Storage(uninitialized: rows * outputs)
    // The value before the activation is only kept when backward will read it.
    let sum = tape != nil && activation != .identity ? Storage(uninitialized: rows * outputs) : y
    LinearKernel(rows: rows, inputs: inputs, outputs: outputs)
      .forward(x.pointer, weight.pointer, bias?.pointer, sum: sum.pointer, y: y.pointer, activation)

    let shape = Shape(x.shape.dimensions.dropLast() + [outputs])
    let result = Tensor.result(y, shape, on: tape)
    if let tape {
      // Without an activation `sum` is the output itself, which backward does not need.
      let saved = activation == .identity ? nil : sum
      tape.record(result) { gradient in
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
}
