import Encoders
import Exports
import Foundation
import ModelFormats
import Tasks
import Tensors
import TestSupport
import Testing
import Tokenization

/// Folders that a model is exported to.
@Suite struct ModelExportTests {
  private let world: TemporaryFolder
  init() throws { world = try TemporaryFolder() }

  private static let words = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"] + "abcdefghij".map(String.init)

  /// Saves a small model with a tokenizer; returns its folder.
  private func folder(_ model: TaskModel, as name: String) throws -> String {
    let url = world.url.appending(path: name)
    try model.save(to: url)
    try Data(Self.words.joined(separator: "\n").utf8).write(to: url.appending(path: "vocab.txt"))
    return url.path
  }

  private func output(_ name: String, overwrite: Bool = false) throws -> OutputFolder {
    try OutputFolder(world.path(name), overwrite: overwrite)
  }

  private func json(_ name: String) throws -> JSONValue {
    try JSONValue(contentsOf: world.url.appending(path: name))
  }

  private final class Warnings: WorkListener {
    private(set) var lines: [String] = []
    func warn(_ line: String) { lines.append(line) }
  }

  @Test func aFolderHoldsModelConfigurationAndTokenizer() throws {
    let source = try folder(GraphTests.model(.bert, .sequenceClassification), as: "model")
    let names = try ModelExport(source, as: .onnx).write(to: output("out/onnx"))
    #expect(
      names == ["config.json", "onnx/model.onnx", "tokenizer.json", "tokenizer_config.json", "vocab.txt"])
    for name in names { #expect(FileManager.default.fileExists(atPath: world.path("out/onnx/" + name))) }
    #expect(try FileManager.default.contentsOfDirectory(atPath: world.path("out")) == ["onnx"])
    let config = try json("out/onnx/config.json")
    #expect(config["architectures"] == ["BertForSequenceClassification"])
    #expect(config["id2label"]?["2"] == "C" && config["transformers.js_config"] == ["dtype": "fp32"])
    #expect(try json("out/onnx/tokenizer_config.json")["model_max_length"] == 12)
    let read = try ONNXReader(world.url.appending(path: "out/onnx/onnx/model.onnx"))
    #expect(read.outputs.map(\.name) == ["logits"])
  }

  @Test func anEncoderWithoutAHeadGivesItsStates() throws {
    let source = try folder(GraphTests.model(.bert, .sentenceSimilarity), as: "bare")
    // Without the pooling it is a bare encoder as it comes from the hub.
    var config = try #require(try json("bare/config.json").objectValue)
    config["pooling"] = nil
    try JSONValue.object(config).write(to: world.url.appending(path: "bare/config.json"))
    let warnings = Warnings()
    try ModelExport(source, as: .onnx, listener: warnings).write(to: output("out"))
    #expect(warnings.lines.count == 1 && warnings.lines[0].contains("no trained head"))
    #expect(try json("out/config.json")["architectures"] == ["BertModel"])
    let read = try ONNXReader(world.url.appending(path: "out/onnx/model.onnx"))
    #expect(
      read.outputs == [
        .init(name: "last_hidden_state", type: 1, shape: ["batch_size", "sequence_length", "6"])
      ])
    #expect(!read.tensors.contains { $0.name.hasPrefix("classifier") || $0.name.contains("pooler") })
  }

  @Test func aFamilyOfOurOwnIsExportedWithAWord() throws {
    let source = try folder(GraphTests.model(.bigru, .tokenClassification), as: "words")
    let warnings = Warnings()
    try ModelExport(source, as: .onnx, listener: warnings).write(to: output("out"))
    #expect(warnings.lines.count == 1 && warnings.lines[0].contains("bigru"))
    #expect(
      try ONNXReader(world.url.appending(path: "out/onnx/model.onnx")).nodes.contains {
        $0.operation == "GRU"
      })
  }

  /// The folder of the model itself keeps its weights, as folders on the hub have both.
  @Test func theModelsOwnFolderGetsTheFilesBeside() throws {
    let source = try folder(GraphTests.model(.distilbert, .tokenClassification), as: "model")
    let weights = try Data(contentsOf: URL(filePath: source + "/model.safetensors"))
    #expect(throws: TaskError.self) { try output("model") }
    let first = try ModelExport(source, as: .onnx).write(to: output("model", overwrite: true))
    #expect(first.count == 5)
    #expect(try Data(contentsOf: URL(filePath: source + "/model.safetensors")) == weights)
    let bytes = try Data(contentsOf: URL(filePath: source + "/onnx/model.onnx"))
    // Once more, over what is there.
    #expect(try ModelExport(source, as: .onnx).write(to: output("model", overwrite: true)) == first)
    #expect(try Data(contentsOf: URL(filePath: source + "/onnx/model.onnx")) == bytes)
    let names = try FileManager.default.contentsOfDirectory(atPath: source).sorted()
    #expect(
      names == [
        "config.json", "model.safetensors", "onnx", "tokenizer.json", "tokenizer_config.json", "vocab.txt",
      ])
  }

  @Test func aSecondFileIsSaidInTheConfiguration() throws {
    let source = try folder(
      GraphTests.model(.roberta, .maskedLanguageModel, ["intermediate_size": 300]), as: "model")
    var export = try ModelExport(source, as: .onnx)
    export.largestFile = 10_000
    let names = try export.write(to: output("out"))
    #expect(names.contains("onnx/model.onnx_data"))
    #expect(
      try json("out/config.json")["transformers.js_config"] == [
        "dtype": "fp32", "use_external_data_format": true,
      ])
    _ = try ONNXReader(world.url.appending(path: "out/onnx/model.onnx"))
  }

  @Test func aFolderWithoutWeightsAndWeightsThatAreNoNumbersAreRefused() throws {
    let model = try GraphTests.model(.bert, .sequenceClassification)
    let source = try folder(model, as: "model")
    try FileManager.default.removeItem(atPath: source + "/model.safetensors")
    let missing = #expect(throws: (any Error).self) { try ModelExport(source, as: .onnx) }
    #expect("\(try #require(missing))".contains("model.safetensors"), "\(missing as Any)")
    var writer = SafetensorsWriter()
    for parameter in model.parameters {
      let values = parameter.name == "classifier.bias" ? [Float.nan, 0, 0] : parameter.values
      writer.add(parameter.name, shape: parameter.shape.dimensions, values: values)
    }
    try writer.write(to: URL(filePath: source + "/model.safetensors"))
    let broken = #expect(throws: TaskError.self) { try ModelExport(source, as: .onnx) }
    #expect("\(try #require(broken))".contains("classifier.bias"))
    _ = try ModelExport(source, as: .onnx, allowsNonFinite: true)
    // What was exported is no model that Potstill reads.
    try ModelExport(folder(model, as: "again"), as: .onnx).write(to: output("out"))
    #expect(throws: (any Error).self) { try ModelExport(world.path("out"), as: .onnx) }
    #expect(throws: (any Error).self) { try ModelExport(world.path("nowhere"), as: .onnx) }
  }

  /// A family, and a head of a family, that nobody has written a graph for is refused by its name.
  @Test(arguments: [
    ("model_type", JSONValue.string("albert"), "albert"),
    ("architectures", JSONValue.array([.string("BiGRUForMaskedLM")]), "masked language model"),
  ])
  func whatHasNoGraphIsRefusedByName(key: String, value: JSONValue, name: String) throws {
    let source = try folder(GraphTests.model(.bigru, .tokenClassification), as: "model")
    var config = try #require(try json("model/config.json").objectValue)
    config[key] = value
    try JSONValue.object(config).write(to: world.url.appending(path: "model/config.json"))
    let fault = #expect(throws: ModelError.self) { try ModelExport(source, as: .onnx) }
    #expect("\(try #require(fault))".contains(name), "\(fault as Any)")
  }
}
