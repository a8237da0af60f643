import Datasets
import Distillation
import Encoders
import Evaluation
import Foundation
import ModelFormats
import Tasks
import Tensors
import TestSupport
import Testing
import Tokenization
import Training

/// Similarity of two sentences by the cosine of their vectors, against plain PyTorch and in runs.
@Suite("Sentence similarity")
struct SentenceSimilarityTests {
  private func example(_ first: [Int32], _ second: [Int32], _ score: Float?) -> EncodedExample {
    func sequence(_ ids: [Int32]) -> EncodedExample {
      EncodedExample(ids: ids, segments: ids.map { _ in 0 })
    }
    return EncodedExample(
      first: sequence(first), second: sequence(second), target: score.map { .value($0) } ?? .none)
  }

  @Test("vectors, cosines, loss and gradients are PyTorch's")
  func golden() throws {
    let golden = try JSONValue(contentsOf: Fixtures.url("heads/similarity.json"))
    func floats(_ value: JSONValue?) throws -> [Float] {
      try #require(value?.arrayValue).map { Float(try #require($0.doubleValue)) }
    }
    let scores = try floats(golden["scores"])
    let examples = try zip(try #require(golden["pairs"]?.arrayValue), scores).map { pair, score in
      let ids = try #require(pair.arrayValue).map { side in
        try #require(side.arrayValue).map { Int32(try #require($0.intValue)) }
      }
      return example(ids[0], ids[1], score)
    }
    let model = try TaskModel(directory: Fixtures.url("encoders/bare"), head: .sentenceSimilarity)
    #expect(!model.startsWithFreshHead)
    let batch = Batch(examples, at: [0, 1, 2])
    #expect(batch.count == 3 && batch.tokens.count == 6)
    let context = Context(tape: Tape())
    let output = model(batch.tokens, taps: ["sentence_embedding"], in: context)
    let vectors = try #require(golden["vectors"]?.arrayValue).map { try floats($0) }
    #expect(output.logits.shape == [3, 64])
    #expect(output.values["sentence_embedding"]?.shape == [6, 32])
    for (found, expected) in zip(output.logits.values, vectors.joined()) {
      // Single precision through three layers.
      #expect(abs(found - expected) < 1e-5)
    }
    let cosines = CosineTargets.cosines(output.logits).values
    for (found, expected) in zip(cosines, try floats(golden["cosines"])) {
      #expect(abs(found - expected) < 1e-6)
    }

    let loss = model.config.taskFamily.targets(of: batch).loss(output.logits, starts: batch.tokens.starts)
    #expect(abs(Double(loss.item) - (golden["loss"]?.doubleValue ?? .nan)) < 1e-6)
    context.tape?.backward(from: loss)
    for (name, value) in try #require(golden["gradients"]?.objectValue) {
      let parameter = try #require(model.parameters.first { $0.name == name })
      let (found, expected) = (try #require(parameter.gradient).values, try floats(value))
      let largest = try #require(expected.map(abs).max())
      for (found, expected) in zip(found, expected) {
        #expect(abs(found - expected) < 1e-4 * largest, "\(name)")
      }
    }
  }

  @Test("pairs without a score count for nothing")
  func unknown() {
    let pairs = Tensor([1, 0, 0, 1, 1, 1, 1, 1], shape: [2, 4])
    #expect(CosineTargets([.nan, 0.5]).count(starts: [0, 1, 2, 3, 4]) == 1)
    #expect(abs(CosineTargets([.nan, 0.5]).loss(pairs, starts: []).item - 0.25) < 1e-6)
    #expect(CosineTargets([.nan, .nan]).loss(pairs, starts: []).item == 0)
    #expect(CosineTargets.cosine([3, 4, 0, 0]) == 0)
    #expect(abs(CosineTargets.cosine([3, 4, 4, 3]) - 0.96) < 1e-6)
  }

  @Test("a model says how it pools, and is read as it was written")
  func files() throws {
    var config = EncoderConfig(
      vocabularySize: 20, hiddenSize: 12, layerCount: 1, attentionHeads: 2, intermediateSize: 16)
    config.head = .sentenceSimilarity
    #expect(config.json["architectures"] == ["BertModel"] && config.json["pooling"] == "mean")
    let folder = try TemporaryFolder()
    try TaskModel(config: config, seed: 1).save(to: folder.url)
    #expect(try TaskModel(directory: folder.url).head == .sentenceSimilarity)

    var object = try #require(config.json.objectValue)
    object["pooling"] = "cls"
    let first = try TaskModel(config: EncoderConfig(json: .object(object)), seed: 1)
    let batch = Batch([example([2, 5, 3], [2, 6, 7, 3], nil)], at: [0]).tokens
    let name = try #require(first.config.hiddenStateNames.last)
    let output = first(batch, taps: [name], in: .inference)
    let last = try #require(output.values[name])
    #expect(output.logits.values == last.rows(at: [0, 3]).values)
    object["pooling"] = "max"
    let error = #expect(throws: ModelError.self) { try EncoderConfig(json: .object(object)) }
    #expect(error?.description == "config.json: pooling: found \"max\", expected mean or cls")
  }

  // MARK: Runs

  private let task = TaskDefinition(
    name: "overlap", kind: .sentenceSimilarity, textPairColumn: .name("pair"), labelRange: 0...5,
    metrics: ["spearmanr", "pearson"])

  /// Pairs of sequences of four words in two languages of 14 words each; the more of the second are translations of the
  /// first's, the more alike they are, of which a fresh model knows nothing.
  private func examples(_ count: Int, seed: UInt64) -> [EncodedExample] {
    var random = SplitMix64(seed)
    return (0..<count).map { _ in
      let words = (0..<4).map { _ in Int32(4 + random.below(14)) }
      let shared = random.below(5)
      let other = (0..<4).map { $0 < shared ? words[$0] + 14 : Int32(18 + random.below(14)) }
      return example([2] + words + [3], [2] + other.reversed() + [3], Float(shared) / 4)
    }
  }

  private func model(seed: UInt64) throws -> TaskModel {
    var config = EncoderConfig(
      vocabularySize: 32, hiddenSize: 24, layerCount: 1, attentionHeads: 2, intermediateSize: 32)
    config.head = .sentenceSimilarity
    return try TaskModel(config: config, seed: seed)
  }

  private var settings: TrainingConfig {
    var config = TrainingConfig()
    (config.learningRate, config.perDeviceTrainBatchSize, config.numTrainEpochs) = (3e-3, 16, 12)
    return config
  }

  private func spearman(_ model: TaskModel, _ data: EncodedTask) throws -> Double {
    let evaluation = try evaluateTask(model, data)
    #expect(evaluation.result.metrics.map(\.name) == ["spearmanr", "pearson"])
    guard case .values(let cosines) = evaluation.predictions else {
      Issue.record("The answers of a similarity are numbers.")
      return .nan
    }
    #expect(cosines.count == data.examples.count && cosines.allSatisfy { abs($0) <= 1.0001 })
    return try #require(evaluation.result.metrics.first).value
  }

  @Test("training lifts the rank correlation, and a student learns it from vectors without labels")
  func runs() throws {
    let validation = EncodedTask(examples(120, seed: 9), task: task)
    let teacher = try model(seed: 1)
    let before = try spearman(teacher, validation)
    let trainer = TaskTrainer(
      model: teacher, train: examples(320, seed: 3), validation: validation, config: settings)
    _ = try trainer.train()
    let taught = try spearman(teacher, validation)
    #expect(taught > 0.6 && taught > before + 0.4, "\(before), \(taught)")

    let student = try model(seed: 2)
    let fresh = try spearman(student, validation)
    var config = DistillationConfig()
    config.hardLabelWeight = 0
    let distiller = try GeneralDistiller(
      config, teacher: LiveTeacher(teacher), student: student, hasLabels: false)
    let unlabelled = examples(320, seed: 4).map { example in
      var example = example
      example.target = .none
      return example
    }
    var longer = settings
    longer.numTrainEpochs = 25
    _ = try TrainingLoop(
      config: longer, objective: distiller, data: TrainingData(unlabelled, config: longer)
    ).run()
    let learnt = try spearman(student, validation)
    #expect(learnt > 0.6 && learnt > fresh + 0.4, "\(fresh), \(learnt), \(taught)")
  }

  @Test("vectors of another width are refused with what to do")
  func widths() throws {
    var config = try model(seed: 1).config
    (config.hiddenSize, config.intermediateSize) = (12, 16)
    let narrow = try TaskModel(config: config, seed: 1)
    let error = #expect(throws: DistillationError.self) {
      try GeneralDistiller(DistillationConfig(), teacher: LiveTeacher(model(seed: 1)), student: narrow)
    }
    #expect(
      error?.description.contains(
        "it answers with 24 numbers, the teacher with 48, which are compared one by one; choose a student of the teacher's "
          + "hidden size") == true, "\(error?.description ?? "")")
  }
}
