import Encoders
import Foundation
import ModelFormats
import Tensors
import Testing
import Tokenization

/// The Swift half of Tests/Reference/parity_encoder.py, asleep unless that script wakes it.
///
/// POTSTILL_PARITY_DIR names a folder with `inputs-<k>.safetensors` (ids, segments, starts, labels), POTSTILL_PARITY_MODEL
/// a model directory. Written back: `outputs-<k>.safetensors` and the model itself, as `saved/`.
@Suite struct ParityExportTests {
  private static let folder = ProcessInfo.processInfo.environment["POTSTILL_PARITY_DIR"]

  @Test(.enabled(if: Self.folder != nil))
  func export() throws {
    let folder = URL(filePath: try #require(Self.folder))
    let directory = try #require(ProcessInfo.processInfo.environment["POTSTILL_PARITY_MODEL"])
    let model = try TaskModel(directory: URL(filePath: directory))
    try model.save(to: folder.appending(path: "saved"))
    var index = 0
    while true {
      let inputs = folder.appending(path: "inputs-\(index).safetensors")
      guard FileManager.default.fileExists(atPath: inputs.path) else { break }
      try run(model, inputs: SafetensorsFile(path: inputs.path))
        .write(to: folder.appending(path: "outputs-\(index).safetensors"))
      index += 1
    }
    #expect(index > 0)
  }

  private func run(_ model: TaskModel, inputs: SafetensorsFile) throws -> SafetensorsWriter {
    let batch = try TokenBatch(packed: inputs)
    let labels = try inputs.integers("labels").map(Int32.init)
    var outputs = SafetensorsWriter()
    func add(_ name: String, _ tensor: Tensor) {
      outputs.add(name, shape: tensor.shape.dimensions, values: tensor.values)
    }

    let seen = model(batch, capture: [.hiddenStates, .attentionProbabilities], in: .inference)
    add("logits", seen.logits)
    for (k, hidden) in seen.hiddenStates.enumerated() { add("hidden.\(k)", hidden) }
    for (k, maps) in seen.encoder.attentionProbabilities.enumerated() { add("attention.\(k)", maps.values) }

    // The way training goes: only the first rows of the last layer.
    for parameter in model.parameters { parameter.zeroGradient() }
    let context = Context(tape: Tape())
    let trained = model(batch, in: context)
    let loss = softmaxCrossEntropy(trained.logits, labels: labels, in: context)
    context.tape?.backward(from: loss)
    add("training_logits", trained.logits)
    add("loss", loss)
    for parameter in model.parameters {
      add("grad." + parameter.name, try #require(parameter.gradient, "\(parameter.name) has no gradient"))
    }
    return outputs
  }
}
