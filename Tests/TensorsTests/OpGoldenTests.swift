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
    let inputs = parameters.mapValues { $0.tensor(in: context) }
    let outputs = try #require(
      try operation(golden, inputs, context), "\(name) is of \(golden.op), which no operation is called")

    var loss = Tensor(0)
    for (key, output) in outputs {
      try golden.expect(output, equals: key)
      let upstream = try golden.tensor("grad_" + key).reshaped(output.shape)
      if key == "output" {
        loss = loss + (output * upstream).sum()
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
    let outputs = try #require(
      try operation(golden, parameters.mapValues { $0.tensor(in: context) }, context))
    var loss = Tensor(0)
    for (key, output) in outputs {
      let upstream = try golden.tensor("grad_" + key).reshaped(output.shape)
      loss = loss + (output * upstream).sum()
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
        try operand("x").linear(
          LinearWeights(try operand("weight"), bias: input["bias"]), activation: try activation()))
    case "residual_layer_norm":
      return one(
        try operand("x").layerNorm(
          residual: input["residual"], gamma: try operand("gamma"), beta: try operand("beta"),
          epsilon: try golden.tensor("epsilon").item, in: context))
    case "embedding":
      return one(
        Tensor.embedding(
          word: try operand("word"), position: try operand("position"), segment: input["segment"],
          ids: try golden.integers("ids"), positions: try golden.integers("positions"),
          segments: golden.has("segments") ? try golden.integers("segments") : []))
    case "attention":
      let result = Tensor.attention(
        query: try operand("query"), key: try operand("key"), value: try operand("value"),
        heads: Int(try golden.integers("heads")[0]), starts: try golden.integers("starts"),
        capturingScores: true, capturingProbabilities: true, in: context)
      return [
        "output": result.output, "scores": try #require(result.scores).values,
        "probabilities": try #require(result.probabilities).values,
      ]
    case "position_cross_entropy":
      return one(
        try operand("logits").positionCrossEntropy(
          starts: try golden.integers("starts"), targets: try golden.integers("targets")))
    case "soft_position_cross_entropy":
      return one(
        try operand("student").softPositionCrossEntropy(
          teacher: try golden.tensor("teacher"), starts: try golden.integers("starts"),
          temperature: try golden.tensor("temperature").item))
    case "binary_cross_entropy":
      return one(
        try operand("logits").binaryCrossEntropy(
          targets: try golden.tensor("targets"),
          positiveWeights: golden.has("weights") ? try golden.tensor("weights").values : nil))
    case "column":
      let index = try #require(golden.option("index")?.intValue)
      return one(try operand("x").column(index))
    case "soft_cross_entropy":
      let temperature = try golden.tensor("temperature").item
      return one(
        try operand("student").softCrossEntropy(
          teacher: try golden.tensor("teacher"), temperature: temperature))
    case "mean_squared_error":
      let mse = try operand("student").meanSquaredError(to: try operand("teacher"))
      guard let temperature = golden.option("temperature")?.doubleValue else { return one(mse) }
      return one(mse * Float(1 / (temperature * temperature)))
    case "cosine": return one(try operand("student").cosineDistance(to: try operand("teacher")))
    case "softmax_cross_entropy":
      return one(
        try operand("logits").softmaxCrossEntropy(
          labels: try golden.integers("labels"),
          weights: golden.has("weights") ? try golden.tensor("weights").values : nil,
          smoothing: golden.option("label_smoothing")?.doubleValue ?? 0))
    case "softmax": return one(try operand("x").softmax())
    case "log_softmax": return one(try operand("x").logSoftmax())
    case "log": return one(try operand("x").log())
    case "exp": return one(try operand("x").exp())
    case "sqrt": return one(try operand("x").sqrt())
    case "activation": return one(try operand("x").applying(try activation()))
    case "add": return one(try operand("a") + operand("b"))
    case "subtract": return one(try operand("a") - operand("b"))
    case "multiply": return one(try operand("a") * operand("b"))
    case "divide": return one(try operand("a") / operand("b"))
    case "matmul":
      func transposes(_ operand: String) throws -> Bool {
        try #require(golden.option("transpose_" + operand)?.boolValue as Bool?)
      }
      return one(
        try operand("a").matmul(
          try operand("b"), transposingFirst: try transposes("a"), transposingSecond: try transposes("b")))
    case "transpose": return one(try operand("x").transposed())
    case "concatenate":
      return one(Tensor.concatenate([try operand("a"), try operand("b")], axis: try #require(axis)))
    case "gather_rows":
      return one(try operand("x").rows(at: try golden.integers("rows")))
    case "sum":
      let x = try operand("x")
      return one(axis.map { x.sum(axis: $0, keepsDimension: keeps) } ?? x.sum())
    case "mean":
      let x = try operand("x")
      return one(axis.map { x.mean(axis: $0, keepsDimension: keeps) } ?? x.mean())
    case "recurrent":
      let weights = try ["_l0", "_l0_reverse"].filter { golden.has("weight_ih" + $0) }.map {
        RecurrentWeights(
          inputs: LinearWeights(try operand("weight_ih" + $0), bias: try operand("bias_ih" + $0)),
          hidden: LinearWeights(try operand("weight_hh" + $0), bias: try operand("bias_hh" + $0)))
      }
      let cells: [String: RecurrentCell] = ["gru": .gru, "lstm": .lstm]
      return one(
        try operand("x").recurrent(
          cell: try #require(cells[golden.option("cell")?.stringValue ?? ""]), weights: weights,
          starts: try golden.integers("starts")))
    case "convolve":
      return one(
        try operand("x").convolution(
          weight: try operand("weight"), bias: try operand("bias"), starts: try golden.integers("starts")))
    case "sequence_maximum":
      return one(
        try operand("x").sequenceMaximum(starts: try golden.integers("starts")))
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
