import Encoders
import Foundation
import ModelFormats
import Tensors
import TestSupport
import Testing

@Suite struct LoadingTests {
  private let source = Fixtures.url("encoders/classifier")

  /// Copies the classifier fixture with its weights changed.
  private func directory(
    _ folder: TemporaryFolder, renaming: (String) -> String? = { $0 },
    shape: (String, [Int]) -> [Int] = { $1 }
  ) throws -> URL {
    let weights = try SafetensorsFile(path: source.appending(path: "model.safetensors").path)
    var writer = SafetensorsWriter()
    for tensor in weights.tensors {
      guard let name = renaming(tensor.name) else { continue }
      let shape = shape(tensor.name, tensor.shape)
      let values = try weights.floats(tensor.name)
      writer.add(name, shape: shape, values: Array(values.prefix(shape.reduce(1, *))))
    }
    try writer.write(to: folder.url.appending(path: "model.safetensors"))
    try JSONValue(contentsOf: source.appending(path: "config.json"))
      .write(to: folder.url.appending(path: "config.json"))
    return folder.url
  }

  @Test func savedDirectoriesLoadAgain() throws {
    let folder = try TemporaryFolder()
    let target = folder.url.appending(path: "a/b")
    let model = try TaskModel(directory: source)
    try model.save(to: target)
    let again = try TaskModel(directory: target)
    #expect(again.config == model.config)
    #expect(again.parameters.map(\.name) == model.parameters.map(\.name))
    for (a, b) in zip(again.parameters, model.parameters) { #expect(a.values == b.values) }
    #expect(
      try FileManager.default.contentsOfDirectory(atPath: target.path).sorted() == [
        "config.json", "model.safetensors",
      ])
    // Saving over the files a model is mapped from must not disturb it.
    again.parameters[0].assign(Tensor(repeating: 1, shape: again.parameters[0].shape))
    try again.save(to: target)
    #expect(try TaskModel(directory: target).parameters[0].values.allSatisfy { $0 == 1 })
    #expect(again.parameters[1].values == model.parameters[1].values)
  }

  @Test func trainingDoesNotReachTheFile() throws {
    let model = try TaskModel(directory: source)
    let before = model.parameters[0].values
    model.parameters[0].assign(Tensor(repeating: 0, shape: model.parameters[0].shape))
    #expect(try TaskModel(directory: source).parameters[0].values == before)
  }

  @Test func everyFaultComesInOneError() throws {
    let folder = try TemporaryFolder()
    let url = try directory(folder) { name in
      name == "bert.encoder.layer.1.output.dense.bias" ? "bert.encoder.layer.1.output.dense.offset" : name
    } shape: { name, shape in
      name == "classifier.weight" ? [2, 32] : name == "bert.embeddings.LayerNorm.bias" ? [16] : shape
    }
    do throws(ModelError) {
      _ = try TaskModel(directory: url)
      Issue.record("loaded")
    } catch {
      guard case .misfit(let misfit) = error else {
        Issue.record("\(error)")
        return
      }
      #expect(misfit.missing == ["bert.encoder.layer.1.output.dense.bias"])
      #expect(misfit.misshaped.map(\.name) == ["bert.embeddings.LayerNorm.bias", "classifier.weight"])
      #expect(misfit.misshaped.last?.found == [2, 32] && misfit.misshaped.last?.expected == [3, 32])
      #expect(misfit.unexpected == ["bert.encoder.layer.1.output.dense.offset"])
      #expect(error.description.contains("found shape [2, 32], expected [3, 32]"))
    }
  }

  @Test(arguments: [
    ("vocab_size", 2_147_483_647), ("hidden_size", 2_147_483_644), ("num_hidden_layers", 10_000),
    ("intermediate_size", 2_147_483_647), ("max_position_embeddings", 2_147_483_647),
  ])
  func hostileSizesAllocateNothing(_ field: String, _ size: Int) throws {
    let folder = try TemporaryFolder()
    let url = try directory(folder).appending(path: "config.json")
    var object = try #require(try JSONValue(contentsOf: url).objectValue)
    object[field] = .integer(size)
    try JSONValue.object(object).write(to: url)
    #expect(throws: ModelError.self) { try TaskModel(directory: folder.url) }
  }

  @Test func namesOfEveryAgeAreUnderstood() throws {
    let folder = try TemporaryFolder()
    let golden = try GoldenModel("classifier")
    let url = try directory(folder) { name in
      "module."
        + name.replacing("LayerNorm.weight", with: "LayerNorm.gamma").replacing(
          "LayerNorm.bias", with: "LayerNorm.beta")
    }
    let model = try TaskModel(directory: url)
    #expect(model.loadReport?.fresh == [] && model.loadReport?.ignored == [])
    #expect(try golden.difference(model(golden.batch, in: .inference).logits.values, "logits") < 1e-5)
  }

  @Test func twoNamesForOneParameterAreRefused() throws {
    let folder = try TemporaryFolder()
    let url = try directory(folder) { $0 == "classifier.bias" ? "bert.embeddings.LayerNorm.beta" : $0 }
    #expect(throws: ModelError.self) { try TaskModel(directory: url) }
  }

  @Test func headsFollowTheLabels() throws {
    let kept = try TaskModel(directory: source, labels: ["contradiction", "neutral", "entailment"])
    #expect(kept.loadReport?.fresh == [])
    let replaced = try TaskModel(directory: source, labels: ["bad", "good"])
    #expect(replaced.loadReport?.fresh == ["classifier.weight", "classifier.bias"])
    #expect(replaced.loadReport?.ignored == ["classifier.bias", "classifier.weight"])
    #expect(replaced.config.labels == ["bad", "good"])
    let other = try TaskModel(directory: source, labels: ["entailment", "neutral", "contradiction"])
    #expect(other.loadReport?.fresh.count == 2)
    #expect(throws: ModelError.self) { try TaskModel(directory: source, labels: ["a", "a"]) }
  }

  @Test func freshValuesFollowFromSeedAndName() throws {
    var config = EncoderConfig(
      vocabularySize: 50, hiddenSize: 16, layerCount: 2, attentionHeads: 2, intermediateSize: 32)
    config.initializerRange = 0.5
    let model = try TaskModel(config: config, seed: 1)
    let deeper = try TaskModel(
      config: {
        var deeper = config
        deeper.layerCount = 3
        return deeper
      }(), seed: 1)
    let other = try TaskModel(config: config, seed: 2)
    func values(_ model: TaskModel, _ name: String) -> [Float] {
      model.parameters.first { $0.name == name }?.values ?? []
    }
    let (first, second) = (
      "bert.encoder.layer.0.attention.self.query.weight", "bert.encoder.layer.1.attention.self.query.weight"
    )
    // A deeper model starts with the same values in the layers both have.
    #expect(values(model, second) == values(deeper, second))
    #expect(values(model, first) != values(model, second))
    #expect(values(model, first) != values(other, first))
    let words = values(model, "bert.embeddings.word_embeddings.weight")
    let deviation = (words.reduce(0) { $0 + $1 * $1 } / Float(words.count)).squareRoot()
    #expect(abs(deviation - 0.5) < 0.05)
    #expect(values(model, "bert.embeddings.LayerNorm.weight").allSatisfy { $0 == 1 })
    #expect(values(model, "classifier.bias").allSatisfy { $0 == 0 })
  }

  @Test func faultyFilesAreNamed() throws {
    let folder = try TemporaryFolder()
    #expect(throws: ModelError.self) { try TaskModel(directory: folder.url) }
    // What Google publishes has another configuration than config.json.
    for name in ["bert_model.ckpt.index", "bert_config.json"] {
      try Data("{}".utf8).write(to: folder.url.appending(path: name))
    }
    do throws(ModelError) {
      _ = try TaskModel(directory: folder.url)
      Issue.record("loaded a TensorFlow checkpoint")
    } catch {
      #expect(error.description.contains("from transformers import BertConfig"), "\(error)")
    }
    try JSONValue.object(JSONObject()).write(to: folder.url.appending(path: "config.json"))
    #expect(throws: ModelError.self) { try TaskModel(directory: folder.url) }
    try Data([1, 2, 3]).write(to: folder.url.appending(path: "model.safetensors"))
    #expect(throws: ModelError.self) { try TaskModel(directory: folder.url) }
    let model = try TaskModel(directory: source)
    #expect(throws: ModelError.self) { try model.save(to: folder.url.appending(path: "config.json/x")) }
  }
}
