import Datasets
import Foundation
import ModelFormats
import Tensors
import TestSupport
import Testing
import Training

/// Updates whose losses or gradients are not finite: they end the run with the rows named, or are left out and counted.
@Suite struct NonFiniteTests {
  private func config(_ change: (inout TrainingConfig) -> Void = { _ in }) -> TrainingConfig {
    var config = TrainingConfig()
    (config.learningRate, config.perDeviceTrainBatchSize, config.numTrainEpochs) = (0.05, 4, 2)
    (config.saveStrategy, config.saveTotalLimit, config.loggingSteps) = (.never, nil, 1)
    (config.onNonFinite, config.evalStrategy) = (.skip, .never)
    change(&config)
    return config
  }

  /// A model whose loss is no number for batches with a row.
  private func model(of row: Int) -> ToyModel {
    let model = ToyModel()
    model.hook = { $0.indices.contains(row) ? .nan : 1 }
    return model
  }

  private func run(
    _ config: TrainingConfig, _ model: ToyModel, in folder: URL? = nil, from point: ResumePoint? = nil,
    rows: EncodedExamples = EncodedExamples(toyExamples(40))
  ) throws -> (summary: TrainingSummary, recorder: Recorder) {
    let recorder = Recorder()
    let loop = TrainingLoop(
      config: config, objective: model, data: TrainingData(rows, config: config),
      checkpoints: folder.map { CheckpointFolder($0) }, observers: [recorder])
    return (try loop.run(resumingFrom: point), recorder)
  }

  private func fault(_ body: () throws -> Void) -> String {
    let error = #expect(throws: TrainingError.self) { try body() }
    return error?.description ?? ""
  }

  @Test("scores whose loss is no number are doubted")
  func doubtfulScores() throws {
    let config = config { ($0.evalStrategy, $0.numTrainEpochs) = (.epoch, 1) }
    for (loss, isDoubted) in [(Double.nan, true), (.infinity, true), (0.5, false)] {
      let recorder = Recorder()
      _ = try TrainingLoop(
        config: config, objective: ToyModel(),
        data: TrainingData(EncodedExamples(toyExamples(8)), config: config),
        evaluate: { EvaluationResult(loss: loss, metrics: [], examples: 8, runtime: 1) },
        observers: [recorder]
      ).run()
      #expect(recorder.messages.contains { $0.contains("answers are no numbers") } == isDoubted)
    }
  }

  @Test("an update with a broken loss is left out and counted; weights and optimizer stay as they were")
  func skipped() throws {
    try FixedThreads.run {
      let model = model(of: 7)
      let (summary, recorder) = try run(config(), model)
      #expect(summary.globalStep == 20 && summary.skippedSteps == 2)
      #expect(summary.json["skipped_steps"] == 2 && summary.trainLoss.isFinite)
      #expect(recorder.losses.count { $0.isNaN } == 2)
      let entry = try #require(recorder.entries.first { $0.loss.isNaN })
      #expect(entry.json["loss"] == nil && entry.json["skipped_steps"] == 1 && entry.parts.isEmpty)
      #expect(
        recorder.entries.last?.json["skipped_steps"] == 2 && recorder.entries.last?.loss.isFinite == true)
      #expect(recorder.entries.first?.json["skipped_steps"] == nil)
      #expect(
        recorder.messages.contains {
          $0.hasPrefix("update left out: the loss is nan at step ") && $0.contains("micro-batch 1")
        }, "\(recorder.messages)")
      #expect(recorder.messages.last?.contains("2 of 20 updates were left out") == true)
      #expect(model.values.allSatisfy { $0.allSatisfy(\.isFinite) })

      // The same as a run that never had the gradient: its learning rate is 0 in these steps and the momentum stays.
      let whole = ToyModel()
      let sgd = config { ($0.optim, $0.lrSchedulerType) = (.sgd, .constant) }
      let left = self.model(of: 7)
      let (_, seen) = try run(sgd, left)
      let steps = seen.losses.indices.filter { seen.losses[$0].isNaN }
      let other = Recorder()
      let watcher = Restorer(whole, at: steps)
      let loop = TrainingLoop(
        config: sgd, objective: whole, data: TrainingData(toyExamples(40), config: sgd),
        observers: [watcher, other])
      _ = try loop.run()
      #expect(left.values == whole.values)
    }
  }

  /// Takes back the updates of some steps.
  private final class Restorer: TrainingObserver {
    private let model: ToyModel
    private let steps: [Int]
    private var before: [Tensor] = []
    init(_ model: ToyModel, at steps: [Int]) {
      (self.model, self.steps) = (model, steps)
      keep()
    }
    private func keep() { before = model.parameters.map { Tensor($0.values, shape: $0.shape) } }
    func stepDone(_ progress: TrainingProgress) {
      if steps.contains(progress.step - 1) {
        for (parameter, value) in zip(model.parameters, before) { parameter.assign(value) }
      }
      keep()
    }
  }

  /// A model whose loss has a part of no value but with a gradient that is not finite, for batches with row 7.
  private final class Overflowing: TrainingObjective {
    let base = ToyModel()
    var groups: [ParameterGroup] { base.groups }
    func weight(of batch: Batch) -> Double { base.weight(of: batch) }
    func loss(_ batch: Batch, progress: Double, in context: Context) throws -> StepLoss {
      let loss = try base.loss(batch, progress: progress, in: context)
      guard batch.indices.contains(7) else { return loss }
      return loss.adding((base.bias.tensor(in: context) * 0).sqrt().sum(), weight: 1, name: "root")
    }
  }

  @Test(
    "gradients that overflow are left out too, in one of several micro-batches, and the parameter is named")
  func gradients() throws {
    let rows = EncodedExamples(toyExamples(40)).placed { "train.tsv:\($0 + 2)" }
    func run(_ policy: NonFinitePolicy) throws -> ([[Float]], TrainingSummary, [String]) {
      let (model, recorder) = (Overflowing(), Recorder())
      let settings = config { ($0.gradientAccumulationSteps, $0.onNonFinite) = (2, policy) }
      let loop = TrainingLoop(
        config: settings, objective: model, data: TrainingData(rows, config: settings), observers: [recorder])
      return (model.base.values, try loop.run(), recorder.messages)
    }
    let (values, summary, messages) = try run(.skip)
    #expect(summary.skippedSteps == 2 && summary.globalStep == 10)
    #expect(values.allSatisfy { $0.allSatisfy(\.isFinite) })
    #expect(messages.first?.contains("the gradient norm is nan at step") == true, "\(messages)")
    let text = fault { _ = try run(.stop) }
    #expect(text.contains("the first of them in classifier.bias") && text.contains("train.tsv:9"), "\(text)")
    #expect(text.contains("root 0.0") && text.contains("learning rate 0.0"), "\(text)")
  }

  @Test("a run that is resumed between left out updates is the uninterrupted one to the bit, and counts on")
  func resumed() throws {
    try FixedThreads.run {
      let folder = try TemporaryFolder()
      let settings = config {
        ($0.saveStrategy, $0.saveSteps, $0.gradientAccumulationSteps, $0.numTrainEpochs) = (.steps, 1, 2, 3)
      }
      let whole = model(of: 7)
      let (summary, recorder) = try run(settings, whole, in: folder.url)
      #expect(summary.skippedSteps == 3)
      let first = try #require(recorder.losses.firstIndex { $0.isNaN })
      for step in [first, first + 1, first + 2, recorder.losses.count - 1] where step > 0 {
        let again = model(of: 7)
        let other = try TemporaryFolder()
        let (resumed, seen) = try run(
          settings, again, in: other.url,
          from: .checkpoint(folder.url.appending(path: "checkpoint-\(step)")))
        #expect(again.values == whole.values, "from step \(step)")
        #expect(resumed.skippedSteps == 3 && resumed.trainLoss == summary.trainLoss)
        #expect(seen.messages.last?.contains("3 of 15 updates were left out") == true)
      }
    }
  }

  @Test(
    "after too many updates in a row the run ends, also over a resumption; the last good checkpoint stays")
  func tooMany() throws {
    let folder = try TemporaryFolder()
    var calls = 0
    let model = ToyModel()
    model.hook = { _ in
      calls += 1
      return calls > 5 ? .nan : 1
    }
    let settings = config {
      ($0.saveStrategy, $0.saveSteps, $0.numTrainEpochs) = (.steps, 5, 10)
    }
    let text = fault { _ = try run(settings, model, in: folder.url) }
    #expect(text.contains("20 updates in a row were left out"), "\(text)")
    #expect(
      text.contains("the last: the loss is nan at step 25 (epoch 3, micro-batch 1, examples "), "\(text)")
    #expect(CheckpointFolder.checkpoints(in: folder.url).map(\.step) == [5, 10, 15, 20])
    let again = ToyModel()
    again.hook = { _ in .nan }
    let resumed = fault { _ = try run(settings, again, in: folder.url, from: .newest) }
    #expect(resumed.contains("at step 25 "), "\(resumed)")
    let all = ToyModel()
    all.hook = { _ in .nan }
    let nothing = fault { _ = try run(config { $0.maxSteps = 3 }, all) }
    #expect(nothing.contains("all 3 updates were left out"), "\(nothing)")
  }

  @Test("weights that are not finite end the run at once, whatever the policy")
  func weights() {
    let model = ToyModel()
    model.embedding.assign(Tensor(repeating: .nan, shape: model.embedding.shape))
    let text = fault { _ = try run(config(), model) }
    #expect(text.contains("at step 1") && text.contains("starts from are not finite"), "\(text)")
  }

  @Test("a broken update ends the run by default, and names the rows by file and line, and the loss's parts")
  func stopped() throws {
    let rows = EncodedExamples(toyExamples(40)).placed { "train.tsv:\($0 + 2)" }
    let settings = config { $0.onNonFinite = .stop }
    let text = fault { _ = try run(settings, model(of: 7), rows: rows) }
    #expect(text.contains("the loss is nan at step") && text.contains("train.tsv:9"), "\(text)")
    #expect(text.contains("; cross_entropy 0."), "\(text)")
    // Those that have a target keep their places.
    var some = toyExamples(40)
    for index in 0..<7 { some[index].target = .none }
    let labelled = EncodedExamples(some).placed { "train.tsv:\($0 + 2)" }.withTarget
    #expect(labelled.place(of: 0) == "train.tsv:9")
  }

  @Test("the policy is a setting that changes no other run's checkpoint")
  func setting() throws {
    var settings = TrainingConfig()
    #expect(settings.json["on_nonfinite"]?.isNull ?? true && settings.onNonFinite == .stop)
    settings.onNonFinite = .skip
    #expect(try TrainingConfig(json: settings.json).onNonFinite == .skip)
    #expect(TrainingConfig.settings.harmlessKeys.contains("on_nonfinite"))
    #expect(
      fault { _ = try TrainingConfig(json: ["on_nonfinite": "ignore"]) }.contains("on_nonfinite"))
  }
}
