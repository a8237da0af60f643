import Foundation
import Kernels
import ModelFormats
import Tensors
import TestSupport
import Testing

/// Floats that compute as their 8-bit integers will, against PyTorch's fake quantisation
/// (`Tests/Reference/make_fake_quantization_fixtures.py`) and against the integers themselves.
@Suite struct SimulatedIntegerTests {
  private let golden: SafetensorsFile

  init() throws { golden = try SafetensorsFile(path: Fixtures.url("int8/simulated.safetensors").path) }

  private func tensor(_ key: String) throws -> Tensor {
    Tensor(try golden.floats(key), shape: Shape(try #require(golden[key]).shape))
  }

  private func parameter(_ key: String) throws -> Parameter { Parameter(name: key, value: try tensor(key)) }

  /// The largest difference over the largest expected value.
  private func difference(_ found: [Float]?, _ key: String) throws -> Float {
    let expected = try golden.floats(key)
    guard let found, found.count == expected.count else { return .infinity }
    let largest = expected.map(abs).max() ?? 0
    return zip(found, expected).map { abs($0 - $1) / largest }.max() ?? .infinity
  }

  @Test func aLinearLayerIsThatOfPyTorch() throws {
    let (x, weight, bias) = (try parameter("x"), try parameter("weight"), try parameter("bias"))
    weight.simulatesInt8 = true
    let tape = Tape()
    let context = Context(tape: tape)
    let y = x.tensor(in: context).linear(weight.weights(bias: bias.tensor(in: context), in: context))
    // Exact sums scaled in float32 beside float64.
    #expect(try difference(y.values, "output") < 1e-6)
    tape.backward(from: (y * (try tensor("upstream"))).sum())
    for (parameter, key) in [(x, "grad.x"), (weight, "grad.weight"), (bias, "grad.bias")] {
      #expect(try difference(parameter.gradient?.values, key) < 1e-6, "\(key)")
    }
  }

  @Test func rowsOfATableAreThoseOfPyTorch() throws {
    let table = try parameter("table")
    table.simulatesInt8 = true
    let tape = Tape()
    let ids = try golden.integers("ids").map { Int32($0) }
    let rows = Tensor.embedding(sumOf: [(table.table(in: Context(tape: tape)), ids)])
    #expect(try difference(rows.values, "rows") < 1e-6)
    tape.backward(from: (rows * (try tensor("upstream"))).sum())
    #expect(try difference(table.gradient?.values, "grad.table") < 1e-6)
  }

  /// With a tape and without one, few rows and many, alone, as a group and as a feed-forward half.
  @Test(arguments: [1, 9, 70])
  func itComputesWhatTheIntegersDo(rows: Int) {
    let (wide, narrow) = (sample([90, 24], seed: 2), sample([24, 90], seed: 4))
    let (bias, other) = (sample([90], seed: 3), sample([24], seed: 5))
    func integers(_ weight: Tensor, _ bias: Tensor) -> LinearWeights {
      let matrix = QuantizedMatrix(weight.storage, rows: weight.shape[0], columns: weight.shape[1])
      return LinearWeights(.int8(matrix), bias: bias)
    }
    let x = sample([rows, 24], seed: 1)
    let (inner, outer) = (integers(wide, bias), integers(narrow, other))
    let expected = FixedThreads.run {
      [x.linear(inner, activation: .tanh), x.feedForward(inner: inner, outer: outer, activation: .gelu)].map(
        \.values)
    }
    for tape in [Tape(), nil] {
      let context = Context(tape: tape)
      let parameters = [wide, narrow].enumerated().map { index, value in
        Parameter(name: "\(index)", value: Tensor(value.values, shape: value.shape))
      }
      for parameter in parameters { parameter.simulatesInt8 = true }
      let (first, second) = (
        parameters[0].weights(bias: bias, in: context), parameters[1].weights(bias: other, in: context)
      )
      FixedThreads.run {
        #expect(x.linear(first, activation: .tanh).values == expected[0])
        #expect(x.feedForward(inner: first, outer: second, activation: .gelu).values == expected[1])
        #expect(x.linear([first, first]).map(\.values) == x.linear([inner, inner]).map(\.values))
      }
    }
  }

  /// Straight through: the gradient is that of the float layer whose weight and rows are the rounded ones.
  @Test func gradientsAreThoseOfTheRoundedLayer() {
    let (x, weight, bias) = (sample([12, 20], seed: 1), sample([8, 20], seed: 2), sample([8], seed: 3))
    let rounded = (
      x: Tensor(storage: QuantizedLinearKernel.rounded(x.storage, rows: 12, columns: 20), shape: x.shape),
      weight: Tensor(
        storage: QuantizedMatrix(weight.storage, rows: 8, columns: 20).dequantized(), shape: weight.shape)
    )
    func gradients(_ inputs: [Tensor], _ layer: (Tensor, Tensor, Tensor) -> Tensor) -> [[Float]] {
      let parameters = inputs.enumerated().map {
        Parameter(name: "\($0)", value: Tensor($1.values, shape: $1.shape))
      }
      let tape = Tape()
      let context = Context(tape: tape)
      let tensors = parameters.map { $0.tensor(in: context) }
      // Used twice, so that a second contribution is added to the first.
      let y = layer(tensors[0], tensors[1], tensors[2]) + layer(tensors[0], tensors[1], tensors[2])
      tape.backward(from: (y * sample(y.shape, seed: 9)).sum())
      return parameters.map { $0.gradient?.values ?? [] }
    }
    let found = gradients([x, weight, bias]) { $0.linear(LinearWeights(simulatingInt8: $1, bias: $2)) }
    let expected = gradients([rounded.x, rounded.weight, bias]) { $0.linear(LinearWeights($1, bias: $2)) }
    for (a, b) in zip(found, expected) {
      // The same products in the same order.
      #expect(!a.isEmpty && zip(a, b).allSatisfy { abs($0 - $1) < 1e-5 })
    }
  }
}
