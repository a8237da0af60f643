import Encoders
import Foundation
import ModelFormats
import Tensors
import TestSupport
import Testing

/// Checkpoints that lack a part of a head, hold more than the model, or hold values that are no numbers.
@Suite struct HeadPartsTests {
  /// Copies a saved model without some of its tensors, or with others.
  private func copy(
    _ source: URL, to folder: TemporaryFolder, _ fields: [String: JSONValue] = [:],
    changing change: (inout [String: (shape: [Int], values: [Float])]) -> Void
  ) throws -> URL {
    let file = try SafetensorsFile(path: source.appending(path: "model.safetensors").path)
    var tensors: [String: (shape: [Int], values: [Float])] = [:]
    for tensor in file.tensors { tensors[tensor.name] = (tensor.shape, try file.floats(tensor.name)) }
    change(&tensors)
    var writer = SafetensorsWriter()
    for (name, tensor) in tensors { writer.add(name, shape: tensor.shape, values: tensor.values) }
    try writer.write(to: folder.url.appending(path: "model.safetensors"))
    var config = try #require(try JSONValue(contentsOf: source.appending(path: "config.json")).objectValue)
    for (field, value) in fields { config[field] = value }
    try JSONValue.object(config).write(to: folder.url.appending(path: "config.json"))
    return folder.url
  }

  /// A small model of a family with a trained head, saved.
  private func saved(_ architecture: EncoderArchitecture, _ head: TaskHead, in folder: TemporaryFolder) throws
  {
    var config = EncoderConfig(
      vocabularySize: 24, hiddenSize: 12, layerCount: 2, attentionHeads: 2, intermediateSize: 8)
    config.architecture = architecture
    config.segmentCount = architecture == .distilbert || !architecture.has(.maskedLanguageModel) ? 0 : 2
    config.padTokenID = 1
    (config.maxPositions, config.head) = (16, head)
    try TaskModel(config: config, seed: 1).save(to: folder.url)
  }

  /// The heads with parameters of their own.
  private static let heads: [(EncoderArchitecture, TaskHead)] = EncoderArchitecture.allCases.flatMap {
    architecture in
    TaskHead.allCases.filter { architecture.has($0) && $0 != .sentenceSimilarity }
      .map { (architecture, $0) }
  }

  @Test(arguments: heads)
  func aPartOfAHeadIsRefusedAndNoneOfItStartsFresh(_ architecture: EncoderArchitecture, _ head: TaskHead)
    throws
  {
    let whole = try TemporaryFolder()
    try saved(architecture, head, in: whole)
    #expect(try TaskModel(directory: whole.url).loadReport?.fresh == [])
    // What of the head starts at random where only the encoder is there.
    let other: TaskHead = head == .sequenceClassification ? .tokenClassification : .sequenceClassification
    let encoder = try TemporaryFolder()
    try saved(architecture, other, in: encoder)
    var names = try #require(try TaskModel(directory: encoder.url, head: head).loadReport).fresh
    if head == .sequenceClassification, architecture == .bert {
      #expect(names.contains("bert.pooler.dense.weight"))
    }
    let stored = try SafetensorsFile(path: whole.url.appending(path: "model.safetensors").path)
    names = names.filter { stored[$0] != nil }
    #expect(names.count >= 2)
    for name in names {
      let folder = try TemporaryFolder()
      let directory = try copy(whole.url, to: folder) { $0[name] = nil }
      let error = #expect(throws: ModelError.self) { try TaskModel(directory: directory) }
      #expect(error?.description.contains("\(name): missing") == true, "\(String(describing: error))")
    }
    let folder = try TemporaryFolder()
    let fresh = try TaskModel(
      directory: try copy(whole.url, to: folder) { tensors in names.forEach { tensors[$0] = nil } })
    #expect(Set(fresh.loadReport?.fresh ?? []) == Set(names))
    #expect(fresh.startsWithFreshHead)
  }

  @Test func halfALayerIsRefusedForANewTaskToo() throws {
    let (whole, folder) = (try TemporaryFolder(), try TemporaryFolder())
    try saved(.roberta, .sequenceClassification, in: whole)
    let directory = try copy(whole.url, to: folder) { $0["classifier.dense.bias"] = nil }
    let error = #expect(throws: ModelError.self) {
      try TaskModel(directory: directory, labels: ["a", "b", "c"])
    }
    #expect(error?.description.contains("classifier.dense.bias: missing") == true)
    let changed = try TaskModel(directory: whole.url, labels: ["a", "b", "c"])
    #expect(changed.loadReport?.fresh == ["classifier.out_proj.weight", "classifier.out_proj.bias"])
  }

  @Test func whatIsNotUsedIsListed() throws {
    let (whole, folder) = (try TemporaryFolder(), try TemporaryFolder())
    try saved(.bert, .sequenceClassification, in: whole)
    let directory = try copy(whole.url, to: folder, ["num_hidden_layers": 1]) {
      $0["odd\u{1B}[31m"] = ([1], [1])
    }
    let report = try #require(try TaskModel(directory: directory).loadReport)
    #expect(report.ignored.count == 17 && report.ignored.contains("bert.encoder.layer.1.output.dense.bias"))
    let text = try #require(report.ignoredText)
    #expect(text.hasPrefix("17 tensors are not used by this model (bert.encoder.layer.1.attention"))
    #expect(text.hasSuffix("17 in all)") && text.utf8.count < 400)
    #expect(!report.description.contains("\u{1B}"))
    #expect(try TaskModel(directory: whole.url).loadReport?.ignoredText == nil)
  }

  @Test func valuesThatAreNoNumbersAreCountedAndNeverSaved() throws {
    let (whole, folder) = (try TemporaryFolder(), try TemporaryFolder())
    try saved(.bert, .tokenClassification, in: whole)
    #expect(try TaskModel(directory: whole.url).loadReport?.nonFinite == [])
    let directory = try copy(whole.url, to: folder) {
      $0["classifier.weight"]?.values[3] = .nan
      $0["bert.embeddings.word_embeddings.weight"]?.values[0] = .infinity
      $0["bert.embeddings.word_embeddings.weight"]?.values[287] = -.infinity
    }
    let model = try TaskModel(directory: directory)
    #expect(
      model.loadReport?.nonFinite.map(\.name) == [
        "bert.embeddings.word_embeddings.weight", "classifier.weight",
      ])
    #expect(model.loadReport?.nonFinite.map(\.count) == [2, 1])
    #expect(
      model.loadReport?.nonFiniteText
        == "bert.embeddings.word_embeddings.weight: 2 of 288 values, classifier.weight: 1 of 24 values")
    let target = folder.url.appending(path: "saved")
    let error = #expect(throws: ModelError.self) { try model.save(to: target) }
    #expect(error?.description.contains("classifier.weight: 1 of 24 values") == true)
    #expect(!FileManager.default.fileExists(atPath: target.path))
  }

  @Test func sizesBeyondMemoryAreRefusedBeforeAnythingIsMade() throws {
    for (field, value) in [
      ("hidden_size", 1 << 30), ("max_position_embeddings", (1 << 31) - 2),
      ("intermediate_size", (1 << 31) - 1),
      ("type_vocab_size", (1 << 31) - 1), ("vocab_size", (1 << 31) - 1), ("num_hidden_layers", 10_000),
    ] {
      var object: JSONObject = JSONObject()
      (object["hidden_size"], object["num_attention_heads"]) = (64, 2)
      object[field] = .integer(value)
      let config = try EncoderConfig(json: .object(object))
      let error = #expect(throws: ModelError.self) { try TaskModel(config: config, seed: 1) }
      #expect(error?.description.contains(String(value)) == true, "\(String(describing: error))")
    }
    let config = EncoderConfig(
      vocabularySize: 1000, hiddenSize: 100, layerCount: 2, attentionHeads: 2, intermediateSize: 50)
    #expect(throws: ModelError.self) { try config.checkMemory(bytesPerParameter: 16, memory: 2_000_000) }
    try config.checkMemory(bytesPerParameter: 4, memory: 2_000_000)
    let count = try TaskModel(config: config, seed: 1).parameterCount
    #expect(abs(config.parameterEstimate - Double(count)) < 0.1 * Double(count))
  }

  @Test func labelsMayBeWholeNumbers() throws {
    let config = try EncoderConfig(json: ["id2label": ["0": 5, "1": "b", "2": -1]])
    #expect(config.labels == ["5", "b", "-1"])
    #expect(throws: ModelError.self) { try EncoderConfig(json: ["id2label": ["0": 5, "1": "5"]]) }
    #expect(throws: ModelError.self) { try EncoderConfig(json: ["id2label": ["0": 0.5, "1": "b"]]) }
  }

  @Test func aStudentThatIsNeitherAFolderNorAShapeIsNamed() throws {
    for name in ["T0", "T3-huge", "", "no-such-folder"] {
      let error = #expect(throws: ModelError.self) { try StudentShape(name).checkFolder() }
      #expect(
        error?.description.contains("student \"\(name)\" is neither a folder nor a shape") == true
          && error?.description.contains("T4-tiny") == true)
    }
    try StudentShape("T3").checkFolder()
    try StudentShape(Fixtures.url("heads").path).checkFolder()
  }
}
