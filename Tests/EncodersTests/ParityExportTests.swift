import Encoders
import Foundation
import ModelFormats
import Tensors
import Testing
import Tokenization

/// The Swift half of Tests/Reference/parity_encoder.py and parity_heads.py, asleep unless one of them wakes it.
///
/// POTSTILL_PARITY_DIR names a folder with `inputs-<k>.safetensors` (ids, segments, starts, labels), POTSTILL_PARITY_MODEL
/// a model directory. Written back: `outputs-<k>.safetensors` and the model itself, as `saved/`.
@Suite struct ParityExportTests {
  private static let folder = ProcessInfo.processInfo.environment["POTSTILL_PARITY_DIR"]

  @Test(.enabled(if: Self.folder != nil))
  func export() throws {
    let folder = URL(filePath: try #require(Self.folder))
    // Only parity_encoder.py names a model.
    guard let directory = ProcessInfo.processInfo.environment["POTSTILL_PARITY_MODEL"] else { return }
    let model = try TaskModel(directory: URL(filePath: directory), head: .sequenceClassification)
    // The fresh head has more bits than the checkpoint, which may be one of 16.
    try model.save(to: folder.appending(path: "saved"), as: .float32)
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

  /// Saves every model of Tests/Fixtures/heads as `<model>/<head>`, and each with every other head fresh, as
  /// `<model>/<head>-<other>`, with the logits of the fixture's batch beside it, for parity_heads.py.
  @Test(.enabled(if: Self.folder != nil))
  func exportHeads() throws {
    let folder = URL(filePath: try #require(Self.folder)).appending(path: "heads")
    for (name, stored) in HeadGoldenTests.cases {
      let golden = try GoldenModel(name, in: "heads")
      for head in TaskHead.allCases {
        let model = try TaskModel(directory: golden.directory, head: head)
        let target = folder.appending(path: head == stored ? name : "\(name)-\(head.rawValue)")
        try model.save(to: target, as: .float32)
        let logits = model(golden.batch, in: .inference).logits
        var outputs = SafetensorsWriter()
        outputs.add("logits", shape: logits.shape.dimensions, values: logits.values)
        try outputs.write(to: target.appending(path: "outputs.safetensors"))
      }
    }
  }

  private func run(_ model: TaskModel, inputs: SafetensorsFile) throws -> SafetensorsWriter {
    let batch = try TokenBatch(packed: inputs)
    let labels = try inputs.integers("labels").map(Int32.init)
    var outputs = SafetensorsWriter()
    func add(_ name: String, _ tensor: Tensor) {
      outputs.add(name, shape: tensor.shape.dimensions, values: tensor.values)
    }

    let seen = model(batch, seeing: [.hiddenStates, .attentionProbabilities], in: .inference)
    add("logits", seen.logits)
    for (k, hidden) in seen.hiddenStates.enumerated() { add("hidden.\(k)", hidden) }
    for (k, maps) in seen.attentionProbabilities.enumerated() { add("attention.\(k)", maps.values) }

    // The way training goes: only the first rows of the last layer.
    for parameter in model.parameters { parameter.zeroGradient() }
    let context = Context(tape: Tape())
    let trained = model(batch, in: context)
    let loss = trained.logits.softmaxCrossEntropy(labels: labels)
    context.tape?.backward(from: loss)
    add("training_logits", trained.logits)
    add("loss", loss)
    for parameter in model.parameters {
      add("grad." + parameter.name, try #require(parameter.gradient, "\(parameter.name) has no gradient"))
    }
    return outputs
  }
}
