import Tensors
import Testing

/// Deterministic test values in −1 ..< 1, shifted and scaled on request.
func sample(_ shape: Shape, seed: UInt64, scale: Float = 1, shift: Float = 0) -> Tensor {
  let source = RandomSource(seed: seed)
  let values = (0..<shape.count).map { Float(source.uniform(at: UInt64($0)) * 2 - 1) * scale + shift }
  return Tensor(values, shape: shape)
}

/// The same for a function that needs no pass, as arithmetic does not.
func checkGradients(
  _ inputs: [Tensor], tolerance: Double = 4e-3, sourceLocation: SourceLocation = #_sourceLocation,
  _ f: ([Tensor]) -> Tensor
) {
  checkGradients(inputs, tolerance: tolerance, sourceLocation: sourceLocation) { tensors, _ in f(tensors) }
}

/// Compares the gradient of Σ w · f(inputs) with central differences in every coordinate of every input.
///
/// Float32 forward values with a step of 1/128 give differences that are good to about 1e-3 of the largest
/// derivative; the sum itself is taken in Double.
func checkGradients(
  _ inputs: [Tensor], tolerance: Double = 4e-3, isTraining: Bool = false,
  sourceLocation: SourceLocation = #_sourceLocation, _ f: ([Tensor], Context) -> Tensor
) {
  let parameters = inputs.enumerated().map {
    Parameter(name: "input\($0)", value: Tensor($1.values, shape: $1.shape))
  }
  func context(_ tape: Tape?) -> Context {
    Context(tape: tape, isTraining: isTraining, random: RandomSource(seed: 5))
  }
  func output(_ tape: Tape?) -> Tensor {
    let pass = context(tape)
    return f(parameters.map { $0.tensor(in: pass) }, pass)
  }

  let tape = Tape()
  let y = output(tape)
  let weights = sample(y.shape, seed: 99)
  let loss = (y * weights).sum()
  tape.backward(from: loss)

  func value() -> Double {
    zip(output(nil).values, weights.values).reduce(0) { $0 + Double($1.0) * Double($1.1) }
  }
  let step: Float = 1 / 128
  for parameter in parameters {
    let original = parameter.values
    let analytic = parameter.gradient?.values ?? [Float](repeating: 0, count: original.count)
    var numeric: [Double] = []
    for index in original.indices {
      var changed = original
      changed[index] = original[index] + step
      parameter.assign(Tensor(changed, shape: parameter.shape))
      let above = value()
      changed[index] = original[index] - step
      parameter.assign(Tensor(changed, shape: parameter.shape))
      numeric.append((above - value()) / Double(2 * step))
    }
    parameter.assign(Tensor(original, shape: parameter.shape))
    let largest = max(1, numeric.map(abs).max() ?? 1)
    for index in original.indices where abs(numeric[index] - Double(analytic[index])) > tolerance * largest {
      Issue.record(
        "\(parameter.name)[\(index)]: analytic \(analytic[index]), central difference \(numeric[index])",
        sourceLocation: sourceLocation)
    }
  }
}
