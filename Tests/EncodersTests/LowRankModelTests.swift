import Encoders
import Foundation
import ModelFormats
import Tensors
import TestSupport
import Testing
import Tokenization

/// Models whose matrices are two thin ones.
@Suite struct LowRankModelTests {
  /// The model that make_low_rank_fixtures.py has written, and what PyTorch computes with it.
  private struct Golden {
    let model: TaskModel
    let golden: SafetensorsFile
    let batches: [(tokens: TokenBatch, labels: [Int32])]

    init() throws {
      model = try TaskModel(directory: Fixtures.url("low_rank"))
      golden = try SafetensorsFile(path: Fixtures.url("low_rank/factors.safetensors").path)
      let rows = try SafetensorsFile(path: Fixtures.url("pruning/golden.safetensors").path)
      batches = try (0..<2).map { number in
        func integers(_ name: String) throws -> [Int32] {
          try rows.integers("batch.\(number).\(name)").map { Int32($0) }
        }
        let (ids, segments) = (try integers("ids"), try integers("segments"))
        let starts = try integers("starts").map { Int($0) }
        let sequences = zip(starts, starts.dropFirst()).map {
          (ids: Array(ids[$0..<$1]), segments: Array(segments[$0..<$1]))
        }
        return (TokenBatch(sequences: sequences), try integers("labels"))
      }
    }

    func logits(_ model: TaskModel) -> [Float] {
      batches.flatMap { model($0.tokens, in: .inference).logits.values }
    }

    func difference(_ found: [Float], _ name: String) throws -> Float {
      let expected = try golden.floats(name)
      return GoldenModel.difference(found, expected)
        / max(expected.map(abs).max() ?? 0, .leastNormalMagnitude)
    }
  }

  @Test func answersAndGradientsAreThoseOfPyTorch() throws {
    let golden = try Golden()
    #expect(golden.model.isFactorised && golden.model.config.lowRank.count == 19)
    #expect(golden.model.loadReport?.fresh == [] && golden.model.loadReport?.ignored == [])
    // Float32 beside float64, three layers deep.
    #expect(try golden.difference(golden.logits(golden.model), "logits") < 1e-5)
    let tape = Tape()
    let (tokens, labels) = golden.batches[0]
    let loss = golden.model(tokens, in: Context(tape: tape)).logits.softmaxCrossEntropy(labels: labels)
    tape.backward(from: loss)
    var compared = 0
    for parameter in golden.model.parameters where golden.golden["grad." + parameter.name] != nil {
      let gradient = try #require(parameter.gradient, "\(parameter.name) has no gradient")
      // The same, of sums over all tokens.
      #expect(try golden.difference(gradient.values, "grad." + parameter.name) < 2e-5, "\(parameter.name)")
      compared += 1
    }
    #expect(compared == 2 * 19 + 4)
  }

  @Test func aFrozenFactorHasNoGradient() throws {
    let golden = try Golden()
    let frozen = try #require(
      golden.model.parameters.first { $0.name.hasSuffix("0.attention.self.key.weight_up") })
    frozen.isTrainable = false
    let tape = Tape()
    tape.backward(from: golden.model(golden.batches[0].tokens, in: Context(tape: tape)).logits.sum())
    #expect(frozen.gradient == nil)
    #expect(
      golden.model.parameters.first { $0.name.hasSuffix("0.attention.self.key.weight") }?.gradient != nil)
  }

  /// A small model of a family with every matrix that can be two.
  private func model(_ architecture: EncoderArchitecture, _ head: TaskHead) throws -> TaskModel {
    var config = try FamilyTests.config(architecture, head)
    config.initializerRange = 0.4
    if head == .questionAnswering { config.labels = ["start", "end"] }
    let modules = try TaskModel(config: config, seed: 3).factorisableModules
    #expect(modules.count == (config.attentionHeads > 0 ? 13 : 1))
    var ranks = JSONObject()
    for (number, module) in modules.enumerated() { ranks[module] = .integer(2 + number % 3) }
    var stated = try #require(config.json.objectValue)
    stated["low_rank"] = .object(ranks)
    config = try EncoderConfig(json: .object(stated))
    #expect(config.lowRank.count == modules.count)
    #expect(try EncoderConfig(json: config.json).json == config.json)
    return try TaskModel(config: config, seed: 3)
  }

  private let batch = TokenBatch(sequences: [
    (ids: [2, 3, 4, 5, 6], segments: [0, 0, 0, 0, 0]), (ids: [7, 8, 9, 2], segments: [0, 0, 0, 0]),
  ])

  @Test(arguments: FamilyTests.heads)
  func everyFamilySavesLoadsAndMerges(_ architecture: EncoderArchitecture, _ head: TaskHead) throws {
    let folder = try TemporaryFolder()
    let model = try model(architecture, head)
    let whole = try model.merged()
    #expect(!whole.isFactorised && whole.parameterCount > model.parameterCount)
    #expect(
      whole.config.reasonAgainstTransformers == nil || !architecture.isOfTransformers)
    #expect(
      !architecture.isOfTransformers || model.config.reasonAgainstTransformers?.contains("low_rank") == true)
    try model.save(to: folder.url)
    try whole.save(to: folder.url.appending(path: "whole"))
    let again = try TaskModel(directory: folder.url)
    #expect(
      again.config == (try EncoderConfig(directory: folder.url))
        && again.config.lowRank == model.config.lowRank)
    #expect(again.parameters.map(\.name) == model.parameters.map(\.name))
    let merged = try TaskModel(directory: folder.url.appending(path: "whole"))
    let copy = try model.copy()
    FixedThreads.run {
      let logits = model(batch, in: .inference).logits.values
      #expect(again(batch, in: .inference).logits.values == logits)
      let scale = logits.map(abs).max() ?? 0
      // Products in another order, two layers deep.
      #expect(
        GoldenModel.difference(whole(batch, in: .inference).logits.values, logits) < 1e-5 * max(1, scale))
      #expect(merged(batch, in: .inference).logits.values == whole(batch, in: .inference).logits.values)
      #expect(copy(batch, in: .inference).logits.values == logits)
    }
    // Saved once more, the bytes are the same.
    let second = folder.url.appending(path: "again")
    try again.save(to: second)
    for file in ["model.safetensors", "config.json"] {
      #expect(
        try Data(contentsOf: second.appending(path: file))
          == Data(contentsOf: folder.url.appending(path: file)))
    }
    let spared = whole.config.parameterEstimate - model.config.parameterEstimate
    #expect(spared == Double(whole.parameterCount - model.parameterCount))
  }

  @Test(arguments: FamilyTests.heads)
  func everyFamilyHasIntegersAndGradients(_ architecture: EncoderArchitecture, _ head: TaskHead) throws {
    let folder = try TemporaryFolder()
    let model = try model(architecture, head)
    let tape = Tape()
    let logits = model(batch, in: Context(tape: tape)).logits
    // Plain sums behind a LayerNorm would have no gradient.
    tape.backward(
      from: (logits * .normal(shape: logits.shape, standardDeviation: 1, random: RandomSource(seed: 1))).sum()
    )
    for parameter in model.parameters
    where parameter.name.contains(".weight") && parameter.name.hasPrefix(model.config.modulePrefix) {
      #expect(parameter.gradient?.values.contains { $0 != 0 } == true, "\(parameter.name)")
    }
    let small = try model.quantized()
    for parameter in small.parameters where parameter.name.hasSuffix("query.weight_up") {
      #expect(parameter.quantized != nil, "\(parameter.name)")
    }
    try small.save(to: folder.url)
    let again = try TaskModel(directory: folder.url)
    FixedThreads.run {
      #expect(
        again(batch, in: .inference).logits.values == small(batch, in: .inference).logits.values)
    }
    #expect(again.isQuantized && again.isFactorised && again.byteCount == small.byteCount)
    #expect(small.byteCount < model.byteCount)
  }

  @Test func partsOfALowRankModelCanBeCut() throws {
    let golden = try Golden()
    let model = golden.model
    var slice = ModelSlice(of: model.config, layers: [2, 0])
    (slice.heads, slice.neurons) = ([[0, 2], [1, 2, 3]], [[0, 3, 4, 9], [1, 2]])
    let small = try model.keeping(slice)
    // What is cut of the factors is what is cut of their products.
    let whole = try model.merged().keeping(slice)
    let (found, expected) = (golden.logits(small), golden.logits(whole))
    #expect(GoldenModel.difference(found, expected) < 1e-5 * (expected.map(abs).max() ?? 0))
    #expect(
      small.config.lowRank["bert.encoder.layer.0.output.dense"]
        == model.config.lowRank["bert.encoder.layer.2.output.dense"])
    let padded = golden.logits(try small.padded())
    #expect(GoldenModel.difference(padded, found) < 1e-5 * (found.map(abs).max() ?? 0))
    let folder = try TemporaryFolder()
    try small.save(to: folder.url)
    let again = try TaskModel(directory: folder.url)
    FixedThreads.run { #expect(golden.logits(again) == golden.logits(small)) }
    // By the size of weights, and by the words that texts use.
    let narrow = try TaskModel.student(
      from: model, layers: [0, 1], size: StudentSize(hiddenSize: 12, intermediateSize: 8))
    #expect(narrow.config.hiddenSize == 12 && narrow.isFactorised)
    let words = try model.keeping(words: Array(0..<30), padTokenID: 0)
    #expect(words.parameters[0].shape == [30, 5] && words.config.vocabularySize == 30)
    #expect(throws: ModelError.self) {
      try TaskModel.student(from: model, layers: [0], size: StudentSize(embeddingSize: 4))
    }
    let words2 = try TaskModel.student(.wordStudent(.bigru), of: model)
    #expect(!words2.isFactorised)
  }

  @Test(arguments: [
    (#"{"bert.encoder.layer.9.output.dense": 2}"#, "expected linear layers"),
    (#"{"bert.pooler.dense": 2}"#, "expected linear layers"),
    (#"{"bert.encoder.layer.0.output.dense": 0}"#, "expected a rank"),
    (#"{"bert.encoder.layer.0.output.dense": "a"}"#, "expected a whole number"),
    ("[1]", "expected an object"),
  ])
  func wrongRanksAreNamed(_ value: String, _ text: String) throws {
    var object = try #require(
      try JSONValue(contentsOf: Fixtures.url("low_rank").appending(path: "config.json")).objectValue)
    object["low_rank"] = try JSONValue(parsing: value)
    do {
      _ = try EncoderConfig(json: .object(object))
      Issue.record("read")
    } catch {
      #expect("\(error)".contains("low_rank: ") && "\(error)".contains(text), "\(error)")
    }
  }

  @Test func aRankThatIsNotTheFilesIsAFault() throws {
    let folder = try TemporaryFolder()
    let golden = try Golden()
    try golden.model.save(to: folder.url)
    let url = folder.url.appending(path: "config.json")
    var object = try #require(try JSONValue(contentsOf: url).objectValue)
    object["low_rank"] = nil
    try JSONValue.object(object).write(to: url)
    do {
      _ = try TaskModel(directory: folder.url)
      Issue.record("loaded")
    } catch {
      #expect("\(error)".contains("query.weight: found shape [6, 24], expected [24, 24]"), "\(error)")
    }
  }

  @Test func inspectCountsThinProducts() throws {
    let report = try CheckpointReport(directory: Fixtures.url("low_rank"))
    let golden = try Golden()
    #expect(report.summary.contains("19 matrices as two thin ones (low_rank)"))
    #expect(report.json["parameters"]?.intValue == golden.model.parameterCount)
    let ranks = golden.model.config.lowRank
    var operations = 0
    for (module, rank) in ranks {
      let shape = try #require(golden.model.config.matrixShape(of: module))
      // A table's first factor is looked up.
      operations += 2 * rank * (module.hasSuffix("word_embeddings") ? shape[1] : shape[0] + shape[1])
    }
    let attention = 4 * 3 * 24 * (try #require(report.json["sequence_length"]?.intValue))
    #expect(report.json["flops_per_token"]?.intValue == operations + attention)
  }
}
