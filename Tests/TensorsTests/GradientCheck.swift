import Tensors
import Testing

/// Deterministic test values in −1 ..< 1, shifted and scaled on request.
func sample(_ shape: Shape, seed: UInt64, scale: Float = 1, shift: Float = 0) -> Tensor {
  let source = RandomSource(seed: seed)
  let values = (0..<shape.count).map { Float(source.uniform(at: UInt64($0)) * 2 - 1) * scale + shift }
  return Tensor(values, shape: shape)
}

/// Compares the gradient of Σ w · f(inputs) with central differences in every coordinate of every input.
func checkGradients(
  _ inputs: [Tensor], tolerance: Double = 4e-3, isTraining: Bool = false,
  sourceLocation: SourceLocation = #_sourceLocation, _ f: ([Tensor], Context) -> Tensor
) {
  for fault in gradientFaults(inputs, tolerance: tolerance, isTraining: isTraining, f) {
    Issue.record("\(fault)", sourceLocation: sourceLocation)
  }
}

/// Differences between the gradient of Σ w · f(inputs) and central differences, a sentence each.
///
/// Errors are measured against the largest central difference of the input. With values of order 1, float32 and a step of
/// 1/128, differences are good to 1e-5, so a check whose derivatives are smaller than 1/100 needs larger inputs. An input
/// without a gradient is a fault, and so is one that the value does not depend on.
func gradientFaults(
  _ inputs: [Tensor], tolerance: Double = 4e-3, isTraining: Bool = false,
  _ f: ([Tensor], Context) -> Tensor
) -> [String] {
  let parameters = inputs.enumerated().map {
    Parameter(name: "input\($0)", value: Tensor($1.values, shape: $1.shape))
  }
  func context(_ tape: Tape?) -> Context {
    Context(tape: tape, isTraining: isTraining, random: RandomSource(seed: 5))
  }
  func output(_ tape: Tape?) -> (Tensor, Context) {
    let pass = context(tape)
    return (f(parameters.map(\.tensor), pass), pass)
  }

  let tape = Tape()
  let (y, pass) = output(tape)
  let weights = sample(y.shape, seed: 99)
  let loss = sum(multiply(y, weights, in: pass), in: pass)
  tape.backward(from: loss)

  func value() -> Double {
    zip(output(nil).0.values, weights.values).reduce(0) { $0 + Double($1.0) * Double($1.1) }
  }
  let step: Float = 1 / 128
  var faults: [String] = []
  for parameter in parameters {
    let original = parameter.tensor.values
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
    guard let analytic = parameter.gradient?.values else {
      faults.append("\(parameter.name) has no gradient")
      continue
    }
    let largest = numeric.map(abs).max() ?? 0
    if !(largest > 0) { faults.append("\(parameter.name) changes nothing: \(numeric)") }
    // Not `>`, which lets values pass that are no numbers.
    for index in original.indices
    where !(abs(numeric[index] - Double(analytic[index])) <= tolerance * largest) {
      faults.append(
        "\(parameter.name)[\(index)]: analytic \(analytic[index]), central difference \(numeric[index]), "
          + "the largest is \(largest)")
    }
  }
  return faults
}

/// The check itself can fail.
@Suite struct GradientCheckTests {
  private let inputs = [sample([3, 4], seed: 1)]

  @Test func aMissingGradientIsAFault() {
    #expect(gradientFaults(inputs) { exp($0[0].detached, in: $1) } == ["input0 has no gradient"])
  }

  /// However small the derivatives are.
  @Test(arguments: [1, 1e-3, 1e-6] as [Float])
  func aWrongGradientIsAFault(factor: Float) {
    let right = gradientFaults(inputs) { scale(multiply($0[0], $0[0], in: $1), by: factor, in: $1) }
    #expect(right == [])
    // The gradient of one of two uses is lost.
    let half = gradientFaults(inputs) { scale(multiply($0[0], $0[0].detached, in: $1), by: factor, in: $1) }
    #expect(half.count == 12)
    let none = gradientFaults(inputs) {
      let square = scale(multiply($0[0].detached, $0[0].detached, in: $1), by: factor, in: $1)
      return add(square, scale($0[0], by: 0, in: $1), in: $1)
    }
    #expect(none.count == 12)
  }

  @Test func valuesThatAreNoNumbersAreFaults() {
    #expect(gradientFaults(inputs) { log(add($0[0], Tensor(-2), in: $1), in: $1) }.count == 13)
    #expect(gradientFaults(inputs) { scale($0[0], by: 0, in: $1) }.count == 1)
  }
}
