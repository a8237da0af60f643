import Foundation
import ModelFormats
import Tensors
import TestSupport
import Testing

/// Every operation against values and gradients that PyTorch computed in float64 (`Tests/Reference/make_op_fixtures.py`).
@Suite struct OpGoldenTests {
  static let cases = ((try? FileManager.default.contentsOfDirectory(atPath: Fixtures.url("ops").path)) ?? [])
    .filter { $0.hasSuffix(".safetensors") }.map { String($0.dropLast(".safetensors".count)) }.sorted()

  @Test func theFixturesAreThere() { #expect(Self.cases.count > 100) }

  @Test(arguments: cases)
  func matchesPyTorch(name: String) throws {
    let golden = try Golden(name)
    let context = Context(tape: Tape())
    let parameters = golden.trainable.mapValues { Parameter(name: "", value: $0) }
    let inputs = parameters.mapValues(\.tensor)
    let outputs = try #require(
      try operation(name, golden, inputs, context), "no operation for fixture \(name)")

    var loss = Tensor(0)
    for (key, output) in outputs {
      try golden.expect(output, equals: key)
      let upstream = try golden.tensor("grad_" + key).reshaped(output.shape)
      if key == "output" {
        loss = add(loss, sum(multiply(output, upstream, in: context), in: context), in: context)
      }
    }
    context.tape?.backward(from: loss)
    for (key, parameter) in parameters where golden.has("grad_" + key) {
      // A teacher is a constant here.
      if name.hasPrefix("soft_"), key == "teacher" { continue }
      let gradient = try #require(parameter.gradient, "no gradient for \(key)")
      try golden.expect(gradient, equals: "grad_" + key)
    }
  }

  @Test(arguments: cases.filter { $0.hasPrefix("attention") })
  func capturedAttentionMapsMatchPyTorch(name: String) throws {
    let golden = try Golden(name)
    let context = Context(tape: Tape())
    let parameters = golden.trainable.mapValues { Parameter(name: "", value: $0) }
    let outputs = try #require(try operation(name, golden, parameters.mapValues(\.tensor), context))
    var loss = Tensor(0)
    for (key, output) in outputs {
      let upstream = try golden.tensor("grad_" + key).reshaped(output.shape)
      loss = add(loss, sum(multiply(output, upstream, in: context), in: context), in: context)
    }
    context.tape?.backward(from: loss)
    for key in ["query", "key", "value"] {
      let gradient = try #require(parameters[key]?.gradient)
      try golden.expect(gradient, equals: "grad_\(key)_with_extras")
    }
  }

  /// The operation a fixture is named after, applied to its inputs; nil for a name nobody knows.
  private func operation(
    _ name: String, _ golden: Golden, _ input: [String: Tensor], _ context: Context
  ) throws -> [String: Tensor]? {
    func one(_ tensor: Tensor) -> [String: Tensor] { ["output": tensor] }
    func operand(_ key: String) throws -> Tensor { try #require(input[key]) }
    let axis = name.contains("axis") ? Int(String(name.drop { !$0.isNumber }.prefix(1))) : nil
    let keeps = name.hasSuffix("keep")
    switch name.prefix(while: { $0 != "_" }) {
    case "linear":
      let word = name.dropFirst("linear_".count)
      let activation = Activation.allCases.filter { word.hasPrefix($0.rawValue) }.max {
        $0.rawValue.count < $1.rawValue.count
      }
      return one(
        linear(
          try operand("x"), try operand("weight"), input["bias"], activation: activation ?? .identity,
          in: context))
    case "residual", "layer":
      return one(
        residualLayerNorm(
          try operand("x"), residual: input["residual"], gamma: try operand("gamma"),
          beta: try operand("beta"),
          epsilon: try golden.tensor("epsilon").item, in: context))
    case "embedding":
      return one(
        embed(
          word: try operand("word"), position: try operand("position"), segment: input["segment"],
          ids: try golden.integers("ids"), positions: try golden.integers("positions"),
          segments: golden.has("segments") ? try golden.integers("segments") : [], in: context))
    case "attention":
      let result = attention(
        query: try operand("query"), key: try operand("key"), value: try operand("value"),
        heads: Int(try golden.integers("heads")[0]), starts: try golden.integers("starts"),
        capturingScores: true,
        capturingProbabilities: true, in: context)
      return [
        "output": result.output, "scores": try #require(result.scores).values,
        "probabilities": try #require(result.probabilities).values,
      ]
    case "position":
      return one(
        positionCrossEntropy(
          try operand("logits"), starts: try golden.integers("starts"),
          targets: try golden.integers("targets"),
          in: context))
    case "soft" where name.hasPrefix("soft_position"):
      return one(
        softPositionCrossEntropy(
          student: try operand("student"), teacher: try golden.tensor("teacher"),
          starts: try golden.integers("starts"), temperature: try golden.tensor("temperature").item,
          in: context))
    case "binary":
      return one(
        binaryCrossEntropy(try operand("logits"), targets: try golden.tensor("targets"), in: context))
    case "column": return one(column(try operand("x"), 1, in: context))
    case "soft":
      let temperature = try golden.tensor("temperature").item
      return one(
        softCrossEntropy(
          student: try operand("student"), teacher: try golden.tensor("teacher"), temperature: temperature,
          in: context))
    case "logits":
      let mse = meanSquaredError(try operand("student"), try operand("teacher"), in: context)
      return one(scale(mse, by: 0.25, in: context))
    case "mean" where name == "mean_squared_error":
      return one(meanSquaredError(try operand("student"), try operand("teacher"), in: context))
    case "cosine": return one(cosineDistance(try operand("student"), try operand("teacher"), in: context))
    case "softmax" where name.hasPrefix("softmax_cross"):
      return one(
        softmaxCrossEntropy(try operand("logits"), labels: try golden.integers("labels"), in: context))
    case "softmax": return one(softmax(try operand("x"), in: context))
    case "log" where name.hasPrefix("log_softmax"): return one(logSoftmax(try operand("x"), in: context))
    case "log": return one(log(try operand("x"), in: context))
    case "exp": return one(exp(try operand("x"), in: context))
    case "sqrt": return one(sqrt(try operand("x"), in: context))
    case "gelu" where name.hasPrefix("gelu_new"):
      return one(activate(try operand("x"), .geluNew, in: context))
    case "gelu", "relu", "tanh", "silu", "sigmoid":
      let activation = try #require(Activation(rawValue: String(name.prefix { $0 != "_" })))
      return one(activate(try operand("x"), activation, in: context))
    case "add": return one(add(try operand("a"), try operand("b"), in: context))
    case "subtract": return one(subtract(try operand("a"), try operand("b"), in: context))
    case "multiply": return one(multiply(try operand("a"), try operand("b"), in: context))
    case "divide": return one(divide(try operand("a"), try operand("b"), in: context))
    case "matmul":
      let letters = Array(name.suffix(2))
      return one(
        matmul(
          try operand("a"), try operand("b"), transposeA: letters[0] == "t", transposeB: letters[1] == "t",
          in: context))
    case "transpose": return one(transpose(try operand("x"), in: context))
    case "concatenate":
      return one(concatenate([try operand("a"), try operand("b")], axis: axis ?? 0, in: context))
    case "gather": return one(gatherRows(try operand("x"), rows: try golden.integers("rows"), in: context))
    case "sum":
      let x = try operand("x")
      return one(axis.map { sum(x, axis: $0, keepsDimension: keeps, in: context) } ?? sum(x, in: context))
    case "mean":
      let x = try operand("x")
      return one(axis.map { mean(x, axis: $0, keepsDimension: keeps, in: context) } ?? mean(x, in: context))
    case "recurrent":
      let weights = try ["_l0", "_l0_reverse"].filter { golden.has("weight_ih" + $0) }.map {
        RecurrentWeights(
          inputs: try operand("weight_ih" + $0), hidden: try operand("weight_hh" + $0),
          inputBias: try operand("bias_ih" + $0), hiddenBias: try operand("bias_hh" + $0))
      }
      return one(
        recurrent(
          try operand("x"), cell: name.contains("gru") ? .gru : .lstm, weights: weights,
          starts: try golden.integers("starts"), in: context))
    case "convolve":
      return one(
        convolve(
          try operand("x"), weight: try operand("weight"), bias: try operand("bias"),
          starts: try golden.integers("starts"), in: context))
    case "sequence":
      return one(
        sequenceMaximum(try operand("x"), starts: try golden.integers("starts"), in: context))
    default: return nil
    }
  }
}

/// One golden file: inputs, outputs, upstream gradients and gradients by name.
private struct Golden {
  let name: String
  private var tensors: [String: Tensor] = [:]
  private var integers: [String: [Int32]] = [:]

  init(_ name: String) throws {
    self.name = name
    let file = try SafetensorsFile(path: Fixtures.url("ops/\(name).safetensors").path)
    for info in file.tensors {
      if info.dtype == .int32 {
        integers[info.name] = try file.integers(info.name).map(Int32.init)
      } else {
        tensors[info.name] = Tensor(try file.floats(info.name), shape: Shape(info.shape))
      }
    }
  }

  /// The inputs that PyTorch differentiated by.
  var trainable: [String: Tensor] {
    tensors.filter {
      has("grad_" + $0.key) && $0.key != "output" && !["scores", "probabilities"].contains($0.key)
    }
  }

  func has(_ key: String) -> Bool { tensors[key] != nil || integers[key] != nil }

  func tensor(_ key: String) throws -> Tensor { try #require(tensors[key], "\(name) has no \(key)") }

  func integers(_ key: String) throws -> [Int32] { try #require(integers[key], "\(name) has no \(key)") }

  /// Float32 arithmetic on values of order 1 is good to a few units in the last place of the largest value.
  func expect(_ found: Tensor, equals key: String) throws {
    let expected = try tensor(key)
    #expect(found.count == expected.count, "\(name): \(key)")
    let limit = 2e-5 * max(0.05, expected.values.map(abs).max() ?? 0)
    for (index, (a, b)) in zip(found.values, expected.values).enumerated() where !(abs(a - b) <= limit) {
      Issue.record("\(name): \(key)[\(index)] is \(a), PyTorch has \(b)")
    }
  }
}
