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
  var faults: [String] = []
  for parameter in parameters {
    let original = parameter.values
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

  private func faults(_ f: @escaping ([Tensor]) -> Tensor) -> [String] {
    gradientFaults(inputs) { tensors, _ in f(tensors) }
  }

  @Test func aMissingGradientIsAFault() {
    #expect(faults { $0[0].detached.exp() } == ["input0 has no gradient"])
  }

  /// However small the derivatives are.
  @Test(arguments: [1, 1e-3, 1e-6] as [Float])
  func aWrongGradientIsAFault(factor: Float) {
    #expect(faults { $0[0] * $0[0] * factor } == [])
    // The gradient of one of two uses is lost.
    #expect(faults { $0[0] * $0[0].detached * factor }.count == 12)
    let none = faults { $0[0].detached * $0[0].detached * factor + $0[0] * 0 }
    #expect(none.count == 12)
  }

  @Test func valuesThatAreNoNumbersAreFaults() {
    #expect(faults { ($0[0] + Tensor(-2)).log() }.count == 13)
    #expect(faults { $0[0] * 0 }.count == 1)
  }
}
