import Datasets
import Encoders
import Foundation
import ModelFormats
import Tasks
import Tensors
import TestSupport
import Testing
import Tokenization
import Training

/// Parts of a model that keep their weights.
@Suite("Freezing") struct FreezingTests {
  private func model(
    _ architecture: EncoderArchitecture = .bert, layers: Int = 4, seed: UInt64 = 3
  ) throws -> TaskModel {
    var object = JSONObject()
    object["model_type"] = .string(architecture.rawValue)
    for (path, value) in [
      (\EncoderConfig.vocabularySize, 24), (\.hiddenSize, 12), (\.layerCount, layers), (\.attentionHeads, 3),
      (\.intermediateSize, 20), (\.maxPositions, 20),
    ] as [(PartialKeyPath<EncoderConfig>, Int)] {
      object[architecture.key(path)] = .integer(value)
    }
    return try TaskModel(config: EncoderConfig(json: .object(object)), seed: seed)
  }

  private func examples(_ count: Int = 24) -> [EncodedExample] {
    (0..<count).map { index in
      let ids = (0..<(3 + index % 4)).map { Int32(1 + (index * 5 + $0 * 7) % 23) }
      return EncodedExample(ids: ids, segments: ids.map { _ in 0 }, label: Int32(index % 2))
    }
  }

  private func settings(embeddings: Bool = true, layers: String? = "2") throws -> TrainingConfig {
    var config = TrainingConfig()
    (config.learningRate, config.weightDecay, config.perDeviceTrainBatchSize) = (0.01, 0.1, 4)
    (config.numTrainEpochs, config.saveSteps) = (2, 5)
    (config.freezesEmbeddings, config.frozenLayers) = (
      embeddings, try layers.map { try #require(FrozenLayers($0)) }
    )
    return config
  }

  @Test("frozen parts keep their weights, without decay, gradient or state; the others learn")
  func kept() throws {
    let temporary = try TemporaryFolder()
    let model = try model()
    let before = model.parameters.map(\.values)
    let trainer = TaskTrainer(
      model: model, train: examples(), config: try settings(),
      checkpoints: CheckpointFolder(temporary.url) { try model.save(to: $0) })
    _ = try trainer.train()
    let frozen = ["bert.embeddings.", "bert.encoder.layer.0.", "bert.encoder.layer.1."]
    for (parameter, old) in zip(model.parameters, before) {
      let isFrozen = frozen.contains { parameter.name.hasPrefix($0) }
      #expect((parameter.values == old) == isFrozen, "\(parameter.name)")
      #expect(parameter.isTrainable != isFrozen, "\(parameter.name)")
      if isFrozen { #expect(parameter.gradient == nil, "\(parameter.name)") }
    }
    let checkpoint = try #require(CheckpointFolder.latest(in: temporary.url))
    let state = try SafetensorsFile(path: checkpoint.appending(path: "optimizer.safetensors").path)
    #expect(state.tensors.contains { $0.name.hasPrefix("bert.encoder.layer.2.") })
    #expect(!state.tensors.contains { tensor in frozen.contains { tensor.name.hasPrefix($0) } })
  }

  @Test("nothing below the lowest trainable layer is on the tape")
  func stopsBelow() throws {
    let (free, frozen) = (try model(), try model())
    try frozen.freeze(as: settings())
    let batch = Batch(examples(), at: [0, 1, 2]).tokens
    let names = (0..<4).map { "encoder.layer.\($0)" }
    func run(_ model: TaskModel) -> (operations: Int, layers: [Bool], logits: [Float]) {
      let context = Context(tape: Tape())
      let output = model(batch, taps: names, in: context)
      return (
        context.tape?.count ?? 0, names.map { output.values[$0]?.requiresGradient ?? false },
        output.logits.values
      )
    }
    let (whole, half) = (run(free), run(frozen))
    #expect(whole.layers == [true, true, true, true] && half.layers == [false, false, true, true])
    #expect(half.operations * 2 < whole.operations + 8 && half.operations > 0)
    #expect(whole.logits == half.logits)
  }

  @Test("a layer in between is passed through: it keeps its weights, and what is below learns")
  func between() throws {
    let model = try model()
    let before = Dictionary(uniqueKeysWithValues: model.parameters.map { ($0.name, $0.values) })
    _ = try TaskTrainer(model: model, train: examples(), config: settings(embeddings: false, layers: "1,3-3"))
      .train()
    for parameter in model.parameters {
      let isFrozen = ["layer.1.", "layer.3."].contains { parameter.name.contains($0) }
      #expect((parameter.values == before[parameter.name]) == isFrozen, "\(parameter.name)")
    }
  }

  @Test(
    "every family trains with its embeddings and first layer frozen", arguments: EncoderArchitecture.allCases)
  func families(_ architecture: EncoderArchitecture) throws {
    let model = try model(architecture, layers: 2)
    let before = Dictionary(uniqueKeysWithValues: model.parameters.map { ($0.name, $0.values) })
    _ = try TaskTrainer(model: model, train: examples(), config: settings(layers: "1")).train()
    let frozen = model.parameters.filter { !$0.isTrainable }
    #expect(frozen.contains { $0.name.contains("word_embeddings") })
    #expect(frozen.contains { !$0.name.contains("embeddings") })
    for parameter in model.parameters {
      #expect((parameter.values == before[parameter.name]) == !parameter.isTrainable, "\(parameter.name)")
    }
  }

  /// Ends a run with a checkpoint.
  private final class Interruption: TrainingObserver {
    var isInterrupted = false
    func stepDone(_ progress: TrainingProgress) { isInterrupted = progress.step == 7 }
  }

  @Test("a resumed run equals the uninterrupted one to the bit")
  func resumed() throws {
    try FixedThreads.run {
      let temporary = try TemporaryFolder()
      func trainer(_ model: TaskModel, _ observers: [any TrainingObserver] = []) throws -> TaskTrainer {
        TaskTrainer(
          model: model, train: examples(), config: try settings(),
          checkpoints: CheckpointFolder(temporary.url) { try model.save(to: $0) }, observers: observers)
      }
      let straight = try model()
      _ = try TaskTrainer(model: straight, train: examples(), config: settings()).train()
      let broken = try trainer(try model(), [Interruption()])
      #expect(throws: TrainingError.self) { try broken.train() }
      let resumed = try model()
      _ = try trainer(resumed).train(resumingFrom: .newest)
      #expect(zip(resumed.parameters, straight.parameters).allSatisfy { $0.values == $1.values })
    }
  }

  @Test("layers are the first so many, or named by number")
  func choices() throws {
    #expect(FrozenLayers("3")?.ranges == [0...2] && FrozenLayers("3") == FrozenLayers(first: 3))
    #expect(FrozenLayers("5, 0-2")?.ranges == [0...2, 5...5] && FrozenLayers("0-0")?.ranges == [0...0])
    for text in ["0", "-1", "", "a", "2-1", "1,", "1-2-3", "0,b", "99999999999999999999", "1-100000000"] {
      #expect(FrozenLayers(text) == nil, "\(text)")
    }
    let model = try model()
    for layers in ["5", "2-4", "0,4"] {
      let error = #expect(throws: TrainingError.self) { try model.freeze(as: settings(layers: layers)) }
      let message = error?.description ?? ""
      let expected = "freeze_layers: is \(layers), but the encoder has 4 layers; expected at most 4"
      #expect(message.contains(expected), "\(message)")
    }
    let isFree = model.parameters.allSatisfy { $0.isTrainable }
    #expect(isFree)
    let config = try settings(layers: "0-1,3")
    try model.freeze(as: config)
    let parts = model.frozenParts(by: config) ?? ""
    #expect(parts.hasPrefix("embeddings, layers 0–1, 3: "), "\(parts)")
    let none = try self.model().frozenParts(by: settings(embeddings: false, layers: nil))
    #expect(none == nil)
  }
}
