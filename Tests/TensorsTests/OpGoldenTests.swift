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
      try operation(golden, inputs, context), "\(name) is of \(golden.op), which no operation is called")

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
      if golden.op.hasPrefix("soft_"), key == "teacher" { continue }
      let gradient = try #require(parameter.gradient, "no gradient for \(key)")
      try golden.expect(gradient, equals: "grad_" + key)
    }
  }

  @Test(arguments: cases.filter { $0.hasPrefix("attention") })
  func capturedAttentionMapsMatchPyTorch(name: String) throws {
    let golden = try Golden(name)
    let context = Context(tape: Tape())
    let parameters = golden.trainable.mapValues { Parameter(name: "", value: $0) }
    let outputs = try #require(try operation(golden, parameters.mapValues(\.tensor), context))
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

  /// The operation that a fixture names, applied to its inputs; nil for a name nobody knows.
  private func operation(
    _ golden: Golden, _ input: [String: Tensor], _ context: Context
  ) throws -> [String: Tensor]? {
    func one(_ tensor: Tensor) -> [String: Tensor] { ["output": tensor] }
    func operand(_ key: String) throws -> Tensor { try #require(input[key]) }
    let axis = golden.option("axis")?.intValue
    let keeps = golden.option("keepdim")?.boolValue ?? false
    func activation() throws -> Activation {
      try #require(Activation(rawValue: golden.option("activation")?.stringValue ?? ""))
    }
    switch golden.op {
    case "linear":
      return one(
        linear(
          try operand("x"), try operand("weight"), input["bias"], activation: try activation(),
          in: context))
    case "residual_layer_norm":
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
    case "position_cross_entropy":
      return one(
        positionCrossEntropy(
          try operand("logits"), starts: try golden.integers("starts"),
          targets: try golden.integers("targets"),
          in: context))
    case "soft_position_cross_entropy":
      return one(
        softPositionCrossEntropy(
          student: try operand("student"), teacher: try golden.tensor("teacher"),
          starts: try golden.integers("starts"), temperature: try golden.tensor("temperature").item,
          in: context))
    case "binary_cross_entropy":
      return one(
        binaryCrossEntropy(try operand("logits"), targets: try golden.tensor("targets"), in: context))
    case "column":
      let index = try #require(golden.option("index")?.intValue)
      return one(column(try operand("x"), index, in: context))
    case "soft_cross_entropy":
      let temperature = try golden.tensor("temperature").item
      return one(
        softCrossEntropy(
          student: try operand("student"), teacher: try golden.tensor("teacher"), temperature: temperature,
          in: context))
    case "mean_squared_error":
      let mse = meanSquaredError(try operand("student"), try operand("teacher"), in: context)
      guard let temperature = golden.option("temperature")?.doubleValue else { return one(mse) }
      return one(scale(mse, by: Float(1 / (temperature * temperature)), in: context))
    case "cosine": return one(cosineDistance(try operand("student"), try operand("teacher"), in: context))
    case "softmax_cross_entropy":
      return one(
        softmaxCrossEntropy(try operand("logits"), labels: try golden.integers("labels"), in: context))
    case "softmax": return one(softmax(try operand("x"), in: context))
    case "log_softmax": return one(logSoftmax(try operand("x"), in: context))
    case "log": return one(log(try operand("x"), in: context))
    case "exp": return one(exp(try operand("x"), in: context))
    case "sqrt": return one(sqrt(try operand("x"), in: context))
    case "activation": return one(activate(try operand("x"), try activation(), in: context))
    case "add": return one(add(try operand("a"), try operand("b"), in: context))
    case "subtract": return one(subtract(try operand("a"), try operand("b"), in: context))
    case "multiply": return one(multiply(try operand("a"), try operand("b"), in: context))
    case "divide": return one(divide(try operand("a"), try operand("b"), in: context))
    case "matmul":
      func transposes(_ operand: String) throws -> Bool {
        try #require(golden.option("transpose_" + operand)?.boolValue as Bool?)
      }
      return one(
        matmul(
          try operand("a"), try operand("b"), transposeA: try transposes("a"),
          transposeB: try transposes("b"),
          in: context))
    case "transpose": return one(transpose(try operand("x"), in: context))
    case "concatenate":
      return one(concatenate([try operand("a"), try operand("b")], axis: try #require(axis), in: context))
    case "gather_rows":
      return one(gatherRows(try operand("x"), rows: try golden.integers("rows"), in: context))
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
      let cells: [String: RecurrentCell] = ["gru": .gru, "lstm": .lstm]
      return one(
        recurrent(
          try operand("x"), cell: try #require(cells[golden.option("cell")?.stringValue ?? ""]),
          weights: weights,
          starts: try golden.integers("starts"), in: context))
    case "convolve":
      return one(
        convolve(
          try operand("x"), weight: try operand("weight"), bias: try operand("bias"),
          starts: try golden.integers("starts"), in: context))
    case "sequence_maximum":
      return one(
        sequenceMaximum(try operand("x"), starts: try golden.integers("starts"), in: context))
    default: return nil
    }
  }
}

/// One golden file: inputs, outputs, upstream gradients and gradients by name, and in its metadata what was computed.
private struct Golden {
  let name: String
  /// The operation, such as `sum`.
  let op: String
  private let options: JSONValue
  private var tensors: [String: Tensor] = [:]
  private var integers: [String: [Int32]] = [:]

  init(_ name: String) throws {
    self.name = name
    let file = try SafetensorsFile(path: Fixtures.url("ops/\(name).safetensors").path)
    options = try JSONValue(
      parsing: try #require(file.metadata["case"], "\(name) does not say its operation"))
    op = try #require(options["op"]?.stringValue, "\(name) does not say its operation")
    for info in file.tensors {
      if info.dtype == .int32 {
        integers[info.name] = try file.integers(info.name).map(Int32.init)
      } else {
        tensors[info.name] = Tensor(try file.floats(info.name), shape: Shape(info.shape))
      }
    }
  }

  /// What the operation takes besides tensors, such as `axis`.
  func option(_ key: String) -> JSONValue? { options[key] }

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
