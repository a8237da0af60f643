import Datasets
import Encoders
import Evaluation
import Foundation
import ModelFormats
import Tasks
import Tensors
import TestSupport
import Testing
import Training

@Suite("Task trainer")
struct TaskTrainerTests {
  private struct Interruption: Error {}

  /// Stops a run after some steps.
  private final class Breaker: TrainingObserver {
    let limit: Int
    init(after limit: Int) { self.limit = limit }
    func stepDone(_ progress: TrainingProgress) throws {
      if progress.step > limit { throw Interruption() }
    }
  }

  private func model(seed: UInt64 = 5) throws -> TaskModel {
    let config = EncoderConfig(
      vocabularySize: 16, hiddenSize: 32, layerCount: 2, attentionHeads: 2, intermediateSize: 64)
    return try TaskModel(config: config, seed: seed)
  }

  private let task = TaskDefinition(name: "order", labels: ["after", "before"])

  /// Sequences whose label tells whether token 1 comes before token 2: word order matters.
  private func examples(_ count: Int, seed: UInt64) -> [EncodedExample] {
    var random = SplitMix64(seed)
    return (0..<count).map { _ in
      var ids = [0] + (0..<(3 + random.below(5))).map { _ in Int32(3 + random.below(13)) }
      let first = 1 + random.below(ids.count - 2)
      let second = first + 1 + random.below(ids.count - first - 1)
      let label = Int32(random.below(2))
      (ids[first], ids[second]) = label == 1 ? (1, 2) : (2, 1)
      return EncodedExample(ids: ids, segments: ids.map { _ in 0 }, label: label)
    }
  }

  private func config(epochs: Double = 6) -> TrainingConfig {
    var config = TrainingConfig()
    config.learningRate = 2e-3
    config.weightDecay = 0.01
    config.perDeviceTrainBatchSize = 16
    config.groupByLength = true
    config.numTrainEpochs = epochs
    config.warmupRatio = 0.1
    config.loggingSteps = 10
    config.saveSteps = 20
    config.evalStrategy = .epoch
    config.loadBestModelAtEnd = true
    config.metricForBestModel = "accuracy"
    return config
  }

  private func trainer(
    _ model: TaskModel, epochs: Double = 6, in folder: URL? = nil,
    observers: [any TrainingObserver] = []
  ) -> TaskTrainer {
    TaskTrainer(
      model: model, train: examples(320, seed: 1),
      validation: EncodedTask(examples(100, seed: 2), task: task),
      config: config(epochs: epochs),
      checkpoints: folder.map { CheckpointFolder($0) { try model.save(to: $0) } }, observers: observers)
  }

  @Test("a small BERT learns word order, and the best weights are the ones that remain")
  func learns() throws {
    let model = try model()
    let trainer = trainer(model, epochs: 14)
    let summary = try trainer.train()
    let evaluation = try #require(try trainer.evaluate())
    #expect(evaluation.result.metrics[0].value > 0.9, "\(evaluation.result.metrics)")
    #expect(evaluation.result.metrics[0].value == summary.bestMetric)
    #expect(summary.holdsBestWeights && summary.globalStep == 280)
    guard case .labels(let answers) = evaluation.predictions else {
      Issue.record("found \(evaluation.predictions)")
      return
    }
    #expect(answers.count == 100 && answers.allSatisfy { $0.logits.count == 2 })
  }

  @Test("a resumed run of a BERT with dropout equals the uninterrupted one to the bit")
  func resume() throws {
    try FixedThreads.run {
      let temporary = try TemporaryFolder()
      let straight = try model()
      let summary = try trainer(straight, in: temporary.url.appending(path: "straight")).train()
      let folder = temporary.url.appending(path: "broken")
      #expect(throws: Interruption.self) {
        try trainer(try model(), in: folder, observers: [Breaker(after: 70)]).train()
      }
      let resumed = try model(seed: 6)
      let checkpoint = try #require(CheckpointFolder.latest(in: folder))
      // From another model, so that nothing but the checkpoint can give the weights.
      let again = try trainer(resumed, in: folder).train(
        resumingFrom: ResumePoint(.checkpoint(checkpoint), acceptsDifferences: true))
      let equal = zip(resumed.parameters, straight.parameters).map { $0.values == $1.values }
      #expect(equal.allSatisfy { $0 })
      #expect(again.trainLoss == summary.trainLoss && again.bestStep == summary.bestStep)
      #expect(
        !FileManager.default.fileExists(atPath: checkpoint.appending(path: "auxiliary.safetensors").path))
    }
  }

  @Test("evaluation answers in the order of the data set whatever the batches, and skips what has no label")
  func evaluation() throws {
    let model = try model()
    var data = examples(41, seed: 3)
    data[4].label = EncodedExample.noLabel
    let large = try evaluateClassifier(model, data)
    let single = try evaluateClassifier(model, data, batch: .sequences(1))
    #expect(zip(large.logits, single.logits).allSatisfy { abs($0 - $1) < 1e-5 })
    #expect(large.predictions == single.predictions)
    for (index, example) in data.enumerated() {
      let logits = model(Batch([example], at: [0]).tokens, in: .inference).logits.values
      #expect(zip(large.logits[2 * index..<2 * index + 2], logits).allSatisfy { abs($0 - $1) < 1e-5 })
    }
    let loss = Tensor(large.logits, shape: [41, 2]).softmaxCrossEntropy(labels: data.map(\.label))
    #expect(abs(Double(loss.item) - (large.loss ?? .nan)) < 1e-6)
    let unlabelled = data.map { EncodedExample(ids: $0.ids, segments: $0.segments) }
    let answers = try evaluateClassifier(model, unlabelled)
    #expect(answers.loss == nil && answers.metrics.isEmpty && answers.predictions.count == 41)
    #expect(try evaluateClassifier(model, []).predictions.isEmpty)
  }

  @Test("examples without a label are skipped by plain fine-tuning")
  func unlabelled() throws {
    var data = examples(40, seed: 1)
    for index in 0..<20 { data[index].label = EncodedExample.noLabel }
    var config = config()
    config.evalStrategy = .never
    config.loadBestModelAtEnd = false
    config.numTrainEpochs = 1
    let trainer = TaskTrainer(model: try model(), train: data, config: config)
    #expect(try trainer.train().examplesSeen == 20)
  }
}
