import Encoders
import Foundation
import ModelFormats
import Tensors
import TestSupport
import Testing
import Tokenization

/// Graphs of every family with every head, written to a file, read back and run operator by operator.
@Suite struct GraphTests {
  static let heads: [(EncoderArchitecture, TaskHead)] = EncoderArchitecture.allCases.flatMap { family in
    TaskHead.allCases.filter { family.has($0) }.map { (family, $0) }
  }

  /// A small model with weights large enough for every part to matter.
  static func model(
    _ architecture: EncoderArchitecture, _ head: TaskHead, _ own: JSONValue = [:],
    labels: [String] = ["A", "B", "C"]
  ) throws -> TaskModel {
    var object = own.objectValue ?? JSONObject()
    object["model_type"] = .string(architecture.rawValue)
    for (path, value) in [
      (\EncoderConfig.vocabularySize, 15), (\.hiddenSize, 6), (\.layerCount, 2), (\.attentionHeads, 2),
      (\.intermediateSize, 5), (\.maxPositions, 12),
    ] as [(PartialKeyPath<EncoderConfig>, Int)] where object[architecture.key(path)] == nil {
      object[architecture.key(path)] = .integer(value)
    }
    object["initializer_range"] = .double(0.6)
    object["pad_token_id"] = 1
    var config = try EncoderConfig(json: .object(object))
    config.head = head
    // Narrower than the layers where a family can have it.
    if config.embeddingSize != nil { config.embeddingSize = 4 }
    config.labels = head == .questionAnswering ? ["start", "end"] : labels
    return try TaskModel(config: config, seed: 7)
  }

  static let lengths = [3, 6, 1, 4]

  /// Packed sequences, and the same with padding.
  static func batch(_ segments: Bool) -> (packed: TokenBatch, padded: [String: NDArray]) {
    let rows = lengths.enumerated().map { row, length in
      (0..<length).map { Int32(2 + (5 * row + 3 * $0) % 13) }
    }
    let kinds = rows.map { row in row.indices.map { Int32(2 * $0 > row.count ? 1 : 0) } }
    let width = lengths.max() ?? 0
    func padded(_ rows: [[Int32]], with other: Int32) -> NDArray {
      NDArray([rows.count, width]) { Double($0[1] < rows[$0[0]].count ? rows[$0[0]][$0[1]] : other) }
    }
    var inputs = [
      "input_ids": padded(rows, with: 1), "attention_mask": padded(rows.map { $0.map { _ in 1 } }, with: 0),
    ]
    if segments { inputs["token_type_ids"] = padded(kinds, with: 0) }
    return (
      TokenBatch(sequences: zip(rows, kinds).map { (ids: $0, segments: segments ? $1 : $1.map { _ in 0 }) }),
      inputs
    )
  }

  /// Rows of an output, those of padding left out.
  static func packed(_ array: NDArray) -> [Double] {
    guard array.shape.count > 2 || array.shape.dropFirst().first == lengths.max() else { return array.values }
    let width = array.shape.dropFirst(2).reduce(1, *)
    return lengths.enumerated().flatMap { row, length in
      array.values[(row * array.shape[1] * width)..<((row * array.shape[1] + length) * width)]
    }
  }

  private func write(_ model: TaskModel, _ folder: TemporaryFolder, limit: Int = .max) throws -> ONNXReader {
    let file = ONNXFile(model.graph(), producer: "potstill", producerVersion: "1")
    let url = folder.url.appending(path: "model.onnx")
    #expect(try file.write(to: url, limit: limit) == (limit != .max))
    return try ONNXReader(url)
  }

  private func expectEqual(_ found: [Double], _ expected: [Float], _ name: String) {
    #expect(found.count == expected.count, "\(name)")
    let apart = zip(found, expected).map { abs($0 - Double($1)) }.max() ?? .infinity
    // Float32 beside double precision, two layers deep, of the largest value.
    let largest = expected.map(abs).max() ?? 0
    #expect(apart < 1e-5 * Double(max(1, largest)), "\(name) differs by \(apart)")
    #expect((found.max() ?? 0) - (found.min() ?? 0) > 0.1, "\(name) is the same everywhere")
  }

  /// Compares a model with its graph.
  private func compare(_ model: TaskModel) throws {
    let folder = try TemporaryFolder()
    let read = try write(model, folder)
    let hasSegments = read.inputs.count == 3
    let (batch, inputs) = Self.batch(hasSegments)
    #expect(Set(read.inputs.map(\.name)) == Set(inputs.keys))
    let found = try ONNXInterpreter(model: read).run(inputs)
    let output = model(batch, in: .inference)
    let logits = output.logits.values
    switch model.head {
    case .sequenceClassification, .tokenClassification, .maskedLanguageModel:
      expectEqual(Self.packed(try #require(found["logits"])), logits, "logits")
    case .questionAnswering:
      for (column, name) in ["start_logits", "end_logits"].enumerated() {
        let expected = stride(from: column, to: logits.count, by: 2).map { logits[$0] }
        expectEqual(Self.packed(try #require(found[name])), expected, name)
      }
    case .sentenceSimilarity:
      expectEqual(try #require(found["sentence_embedding"]).values, logits, "sentence_embedding")
      let states = output.encoder.lastHiddenState.values
      expectEqual(Self.packed(try #require(found["last_hidden_state"])), states, "last_hidden_state")
    }
  }

  @Test(arguments: heads)
  func aGraphComputesWhatTheModelDoes(_ architecture: EncoderArchitecture, _ head: TaskHead) throws {
    try compare(try Self.model(architecture, head))
  }

  @Test(arguments: heads)
  func thinMatricesArePartsOfAGraph(_ architecture: EncoderArchitecture, _ head: TaskHead) throws {
    let whole = try Self.model(architecture, head)
    var ranks = JSONObject()
    for (number, module) in whole.factorisableModules.enumerated() {
      ranks[module] = .integer(2 + number % 2)
    }
    let model = try Self.model(architecture, head, ["low_rank": .object(ranks)])
    #expect(
      model.config.lowRank.count == ranks.count && ranks.count == (whole.config.attentionHeads > 0 ? 13 : 1))
    // Large enough to matter.
    for parameter in model.parameters where parameter.name.hasSuffix(".weight_up") {
      parameter.assign(Tensor(parameter.values.map { 2 * $0 }, shape: parameter.shape))
    }
    try compare(model)
    #expect(model.graphConfig["low_rank"] == nil)
  }

  @Test(arguments: Activation.allCases)
  func everyActivationIsThere(_ activation: Activation) throws {
    try compare(
      try Self.model(
        .bert, .tokenClassification,
        ["hidden_act": .string(activation == .identity ? "linear" : activation.rawValue)]))
  }

  /// Layers that pruning has left with other heads and neurons than their neighbours.
  @Test(
    arguments: [
      (EncoderArchitecture.bert, "intermediate_sizes"), (.roberta, "intermediate_sizes"),
      (.electra, "intermediate_sizes"), (.distilbert, "hidden_dims"),
    ])
  func layersMayDiffer(_ architecture: EncoderArchitecture, _ sizes: String) throws {
    let model = try Self.model(
      architecture, .tokenClassification, ["pruned_heads": ["0": [1]], sizes: [5, 3]])
    #expect(model.config.headCounts == [1, 2] && model.config.feedForwardSizes == [5, 3])
    try compare(model)
    try compare(try Self.model(architecture, .sequenceClassification, ["pruned_heads": ["1": [0]]]))
  }

  @Test func sentencesCanBeTheirFirstToken() throws {
    try compare(try Self.model(.bert, .sentenceSimilarity, ["pooling": "cls"]))
  }

  @Test func oneSegmentIsAnInputOfBERTAndNoneOfRoBERTa() throws {
    for (architecture, count) in [(EncoderArchitecture.bert, 3), (.roberta, 2)] {
      let model = try Self.model(architecture, .sequenceClassification, ["type_vocab_size": 1])
      #expect(try write(model, TemporaryFolder()).inputs.count == count)
    }
  }

  @Test func theFileIsOfTheVersionsAndNamesThatReadersExpect() throws {
    let folder = try TemporaryFolder()
    let read = try write(try Self.model(.bert, .tokenClassification), folder)
    #expect(read.formatVersion == 8 && read.operatorSet == 17 && read.producer == "potstill")
    let axes = ["batch_size", "sequence_length"]
    #expect(
      read.inputs
        == ["input_ids", "attention_mask", "token_type_ids"].map { .init(name: $0, type: 7, shape: axes) })
    #expect(read.outputs == [.init(name: "logits", type: 1, shape: axes + ["3"])])
    let names = read.nodes.map(\.name) + read.tensors.map(\.name)
    #expect(Set(names).count == names.count)
    // Parameters have the names of the checkpoint; matrices of products are turned, and say so.
    let word = try #require(read.tensors.first { $0.name == "bert.embeddings.word_embeddings.weight" })
    #expect(word.shape == [15, 6])
    let wide = try #require(
      read.tensors.first { $0.name == "bert.encoder.layer.1.intermediate.dense.weight.transposed" })
    #expect(wide.shape == [6, 5])
  }

  /// What several parts need is computed once, and nothing is there that nobody reads.
  @Test func nothingIsThereTwiceOrForNothing() throws {
    for (architecture, head) in Self.heads {
      let folder = try TemporaryFolder()
      let read = try write(try Self.model(architecture, head), folder)
      let used = Set(read.nodes.flatMap(\.inputs) + read.outputs.map(\.name))
      let made = read.nodes.flatMap(\.outputs) + read.tensors.map(\.name) + read.inputs.map(\.name)
      let idle = made.filter { !used.contains($0) }
      #expect(idle.isEmpty, "\(architecture) \(head): \(idle)")
      let work = read.nodes.map { node in
        "\(node.operation) \(node.inputs) \(node.attributes.sorted { $0.key < $1.key })"
      }
      #expect(Set(work).count == work.count, "\(architecture) \(head)")
    }
    let folder = try TemporaryFolder()
    let read = try write(try Self.model(.bert, .maskedLanguageModel), folder)
    #expect(
      read.tensors.filter { $0.shape.contains(15) }.map(\.name).sorted() == [
        "bert.embeddings.word_embeddings.weight", "cls.predictions.bias",
      ])
  }

  // MARK: Files

  @Test func theSameModelGivesTheSameBytes() throws {
    let folders = [try TemporaryFolder(), try TemporaryFolder()]
    for folder in folders { _ = try write(try Self.model(.bilstm, .questionAnswering), folder) }
    let files = try folders.map { try Data(contentsOf: $0.url.appending(path: "model.onnx")) }
    #expect(files[0] == files[1])
  }

  /// A file that would be too large leaves its weights to a second one, small tensors excepted.
  @Test func largeWeightsGoToASecondFile() throws {
    let folder = try TemporaryFolder()
    let model = try Self.model(.bert, .tokenClassification, ["intermediate_size": 400, "vocab_size": 90])
    let whole = try write(model, folder)
    let size = try Data(contentsOf: folder.url.appending(path: "model.onnx")).count
    let split = try write(model, folder, limit: size - 1)
    let data = try Data(contentsOf: folder.url.appending(path: "model.onnx_data")).count
    #expect(
      try Data(contentsOf: folder.url.appending(path: "model.onnx")).count < size - 40_000 && data > 40_000)
    for (one, other) in zip(whole.tensors, split.tensors) {
      #expect(one.name == other.name && one.values == other.values)
      #expect(other.external.isEmpty == ((one.values?.values.count ?? 0) * 4 < 1024), "\(one.name)")
      if let offset = other.external["offset"] { #expect(Int(offset)?.isMultiple(of: 4096) == true) }
      #expect(other.external.isEmpty || other.external["location"] == "model.onnx_data")
    }
    #expect(split.nodes.count == whole.nodes.count)
    // At the limit itself the file is still one.
    let file = ONNXFile(model.graph(), producer: "potstill", producerVersion: "1")
    #expect(try !file.write(to: folder.url.appending(path: "model.onnx"), limit: size))
  }
}
