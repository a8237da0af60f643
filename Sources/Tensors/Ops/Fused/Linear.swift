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
