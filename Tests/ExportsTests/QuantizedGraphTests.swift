import Encoders
import Exports
import Foundation
import Kernels
import ModelFormats
import Tasks
import Tensors
import TestSupport
import Testing
import Tokenization

/// Graphs of models whose matrices are 8-bit integers, run operator by operator.
@Suite struct QuantizedGraphTests {
  private func read(_ model: TaskModel, _ folder: TemporaryFolder) throws -> ONNXReader {
    let url = folder.url.appending(path: "model.onnx")
    _ = try ONNXFile(model.graph(), producer: "potstill", producerVersion: "1").write(to: url)
    return try ONNXReader(url)
  }

  private func output(_ read: ONNXReader, _ inputs: [String: NDArray]) throws -> [Double] {
    let found = try ONNXInterpreter(model: read).run(inputs)
    return try read.outputs.flatMap { try #require(found[$0.name]).values }
  }

  /// Texts of the same one token, two since sentences are compared in pairs.
  ///
  /// They have the same row in every layer, so the range of all rows, which the graph quantises by, is each row's, as here; what is left is
  /// Float32 beside double precision.
  @Test(arguments: GraphTests.heads)
  func oneTokenIsAnsweredAsHere(_ architecture: EncoderArchitecture, _ head: TaskHead) throws {
    let model = try GraphTests.model(architecture, head, ["hidden_size": 12, "intermediate_size": 18])
    let small = try model.quantized()
    let read = try read(small, TemporaryFolder())
    #expect(
      read.nodes.contains { $0.operation == "DynamicQuantizeLinear" }
        == small.parameters.contains {
          $0.quantized != nil && !$0.name.contains("embeddings")
        })
    let one = NDArray([2, 1], [1.0, 1.0])
    for id in [3, 7, 11] {
      var inputs = ["input_ids": NDArray([2, 1], [Double(id), Double(id)]), "attention_mask": one]
      if read.inputs.count == 3 { inputs["token_type_ids"] = NDArray([2, 1], [0.0, 0.0]) }
      let found = try output(read, inputs)
      let batch = TokenBatch(sequences: [
        (ids: [Int32(id)], segments: [0]), (ids: [Int32(id)], segments: [0]),
      ])
      let result = small(batch, in: .inference)
      var expected = result.logits.values
      if head == .questionAnswering {
        // The two columns are two outputs.
        expected = [0, 2, 1, 3].map { expected[$0] }
      }
      if head == .sentenceSimilarity {
        let states = result.encoder.lastHiddenState.values
        expected = read.outputs[0].name == "last_hidden_state" ? states + expected : expected + states
      }
      #expect(found.count == expected.count)
      let largest = Double(max(1, expected.map(abs).max() ?? 0))
      let apart = zip(found, expected).map { abs($0 - Double($1)) }.max() ?? .infinity
      #expect(apart < 1e-4 * largest, "\(architecture) \(head) \(id): \(apart)")
      let exact = model(batch, in: .inference).logits.values
      #expect(exact != result.logits.values)
    }
  }

  /// Several rows, whose ranges differ from that of all.
  ///
  /// With 32 features of random weights the steps of one range do not average out: within a third of the largest logit. What
  /// trained models do stands in `parity_onnx.py`.
  @Test(arguments: [EncoderArchitecture.bert, .roberta, .xlmRoberta, .distilbert, .electra])
  func severalTextsStayClose(_ architecture: EncoderArchitecture) throws {
    let model = try GraphTests.model(
      architecture, .sequenceClassification,
      ["hidden_size": 32, "intermediate_size": 64, "dim": 32, "hidden_dim": 64])
    let read = try read(model.quantized(), TemporaryFolder())
    let (batch, inputs) = GraphTests.batch(read.inputs.count == 3)
    let expected = model(batch, in: .inference).logits.values
    let found = try output(read, inputs)
    let largest = Double(expected.map(abs).max() ?? 0)
    let apart = zip(found, expected).map { abs($0 - Double($1)) }.max() ?? .infinity
    #expect(found.count == expected.count && apart > 0 && apart < largest / 3, "\(apart) of \(largest)")
  }

  /// Integers and scales of the file are those of the model.
  @Test func theFileHoldsTheSameIntegers() throws {
    let small = try GraphTests.model(.bert, .sequenceClassification).quantized()
    let read = try read(small, TemporaryFolder())
    for parameter in small.parameters {
      guard let matrix = parameter.quantized else { continue }
      let isTable = parameter.name.contains("embeddings")
      let integers = matrix.withIntegers { $0.map { Double(Int8(bitPattern: $0)) } }
      let stored = try #require(
        read.tensors.first { $0.name == parameter.name + (isTable ? "_quantized" : ".transposed_quantized") })
      let values = try #require(stored.values)
      #expect(
        stored.type == 3
          && (isTable ? values : values.transposed([1, 0]))
            == NDArray([matrix.rows, matrix.columns], integers)
      )
      let scales = try #require(read.tensors.first { $0.name == parameter.name + "_scale" })
      #expect(scales.values?.values == matrix.scales.values.map(Double.init))
      #expect(
        !read.tensors.contains { $0.name == parameter.name || $0.name == parameter.name + ".transposed" })
    }
    // Queries, keys and values read rows that are quantised once.
    #expect(read.nodes.filter { $0.operation == "DynamicQuantizeLinear" }.count == 2 * 4)
    #expect(read.nodes.filter { $0.operation == "MatMulInteger" }.count == 2 * 6)
  }

  // MARK: Folders

  private let world: TemporaryFolder
  init() throws { world = try TemporaryFolder() }

  private func folder(_ model: TaskModel, as name: String) throws -> String {
    let url = world.url.appending(path: name)
    try model.save(to: url)
    let words = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"] + "abcdefghij".map(String.init)
    try Data(words.joined(separator: "\n").utf8).write(to: url.appending(path: "vocab.txt"))
    return url.path
  }

  private func size(_ name: String) throws -> Int {
    try Data(contentsOf: world.url.appending(path: name)).count
  }

  @Test func aFolderOfFloatsAndOneOfIntegersGiveTheSameFile() throws {
    let model = try GraphTests.model(
      .bert, .sequenceClassification, ["hidden_size": 64, "intermediate_size": 128, "vocab_size": 15])
    let (floats, integers) = (try folder(model, as: "floats"), try folder(model.quantized(), as: "integers"))
    func export(_ source: String, _ precision: ExportPrecision?, to output: String) throws -> [String] {
      try ModelExport(source, as: .onnx, precision: precision).write(
        to: OutputFolder(world.path(output), overwrite: false))
    }
    let names = try export(floats, .int8, to: "a")
    #expect(
      names == [
        "config.json", "onnx/model_quantized.onnx", "ort_config.json", "tokenizer.json",
        "tokenizer_config.json",
        "vocab.txt",
      ])
    #expect(try export(integers, nil, to: "b") == names)
    let files = try ["a", "b"].map {
      try Data(contentsOf: world.url.appending(path: $0 + "/onnx/model_quantized.onnx"))
    }
    #expect(files[0] == files[1])
    let config = try JSONValue(contentsOf: world.url.appending(path: "b/config.json"))
    #expect(config["transformers.js_config"] == ["dtype": "q8"] && config["quantization_config"] == nil)
    let runtime = try JSONValue(contentsOf: world.url.appending(path: "a/ort_config.json"))
    #expect(runtime["quantization"]?["per_channel"] == true && runtime["quantization"]?["is_static"] == false)

    // Back to floats on request, which are those that the integers stand for.
    #expect(try export(integers, .fp32, to: "c").contains("onnx/model.onnx"))
    #expect(try size("a/onnx/model_quantized.onnx") * 2 < size("c/onnx/model.onnx"))
    let read = try ONNXReader(world.url.appending(path: "c/onnx/model.onnx"))
    let word = try #require(read.tensors.first { $0.name == "bert.embeddings.word_embeddings.weight" })
    let small = try model.quantized()
    let table = try #require(small.parameters.first { $0.name == word.name })
    #expect(word.values?.values == table.values.map(Double.init))
    _ = try export(floats, .fp32, to: "d")
    #expect(try size("c/onnx/model.onnx") == size("d/onnx/model.onnx"))
  }
}
