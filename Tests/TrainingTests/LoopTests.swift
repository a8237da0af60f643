import Datasets
import Evaluation
import Foundation
import ModelFormats
import Tensors
import TestSupport
import Testing
import Training

@Suite("Training loop")
struct LoopTests {
  private func config(_ change: (inout TrainingConfig) -> Void = { _ in }) -> TrainingConfig {
    var config = TrainingConfig()
    config.learningRate = 0.05
    config.perDeviceTrainBatchSize = 4
    config.numTrainEpochs = 3
    config.loggingSteps = 5
    config.saveStrategy = .never
    change(&config)
    return config
  }

  private func train(
    _ config: TrainingConfig, model: ToyModel = ToyModel(), examples: [EncodedExample] = toyExamples(50),
    evaluate: (() throws -> EvaluationResult)? = nil
  ) throws -> (summary: TrainingSummary, recorder: Recorder, model: ToyModel) {
    let recorder = Recorder()
    let loop = TrainingLoop(
      config: config, objective: model, data: TrainingData(examples, config: config), evaluate: evaluate,
      observers: [recorder])
    return (try loop.run(), recorder, model)
  }

  @Test("the toy task is learnt, and equal seeds give equal bits")
  func learns() throws {
    try FixedThreads.run {
      let settings = config { $0.numTrainEpochs = 20 }
      let (summary, recorder, model) = try train(settings, examples: toyExamples(200))
      #expect(try model.evaluate(toyExamples(200, seed: 8)).metrics[0].value > 0.9)
      #expect(recorder.losses[0] > 2 * (recorder.entries.last?.loss ?? 1))
      #expect(summary.globalStep == 1000 && summary.epoch == 20 && summary.examplesSeen == 4000)
      #expect(abs(summary.trainLoss - recorder.losses.reduce(0, +) / 1000) < 1e-12)
      let again = try train(settings, examples: toyExamples(200))
      #expect(again.model.values == model.values)
      let other = try train(config { $0.seed = 43 }, examples: toyExamples(200))
      #expect(other.model.values != model.values)
    }
  }

  @Test("steps are counted over whole and fractional epochs, with the tail of an epoch kept")
  func counts() throws {
    // 50 examples in batches of 4: 13 micro-batches, 5 steps of up to 3.
    let cases: [(epochs: Double, maxSteps: Int, accumulation: Int, steps: Int, examples: Int)] = [
      (3, -1, 1, 39, 150), (3, -1, 3, 15, 150), (0.5, -1, 1, 7, 28), (1.5, -1, 3, 8, 86), (3, 7, 3, 7, 74),
      (1, 40, 1, 40, 154), (1, -1, 100, 1, 50),
    ]
    for expected in cases {
      let settings = config {
        $0.numTrainEpochs = expected.epochs
        $0.maxSteps = expected.maxSteps
        $0.gradientAccumulationSteps = expected.accumulation
      }
      // The short batch of an epoch is its last one, as batches are not grouped by length here.
      let (summary, recorder, _) = try train(settings)
      #expect(summary.globalStep == expected.steps && recorder.losses.count == expected.steps)
      #expect(summary.examplesSeen == expected.examples, "\(expected)")
    }
  }

  @Test("an accumulated step equals one big batch, also when micro-batches and labels are uneven")
  func accumulation() throws {
    var examples = toyExamples(10)
    examples[3].label = EncodedExample.noLabel
    examples[7].label = EncodedExample.noLabel
    func run(_ micro: [[Int]]) throws -> ([[Float]], [Double]) {
      let model = ToyModel()
      model.dropoutProbability = 0
      let settings = config {
        $0.gradientAccumulationSteps = micro.count
        $0.maxSteps = 4
      }
      let recorder = Recorder()
      let data = TrainingData(
        exampleCount: 10, batches: { _ in micro }, batch: { Batch(examples, at: $0) })
      _ = try TrainingLoop(config: settings, objective: model, data: data, observers: [recorder]).run()
      return (model.values, recorder.losses)
    }
    let whole = try run([Array(0..<10)])
    let parts = try run([[0, 1, 2], [3], [4, 5], [6, 7, 8, 9]])
    for (a, b) in zip(whole.0.joined(), parts.0.joined()) { #expect(abs(a - b) < 1e-5) }
    for (a, b) in zip(whole.1, parts.1) { #expect(abs(a - b) < 1e-5) }
  }

  @Test("evaluating during training does not change what is learnt")
  func evaluationIsNeutral() throws {
    try FixedThreads.run {
      let plain = try train(config()).model
      let model = ToyModel()
      let (_, recorder, _) = try train(
        config {
          $0.evalStrategy = .steps
          $0.evalSteps = 4
        }, model: model
      ) { try model.evaluate(toyExamples(30, seed: 9)) }
      #expect(model.values == plain.values)
      #expect(recorder.evaluations.map(\.step) == [4, 8, 12, 16, 20, 24, 28, 32, 36, 39])
    }
  }

  @Test("epoch evaluations come at the ends of epochs, and the best weights return at the end")
  func best() throws {
    try FixedThreads.run {
      let model = ToyModel()
      var scores = [0.5, 0.9, 0.7]
      var weights: [[[Float]]] = []
      let settings = config {
        $0.evalStrategy = .epoch
        $0.loadBestModelAtEnd = true
        $0.metricForBestModel = "accuracy"
      }
      let (summary, recorder, _) = try train(settings, model: model) {
        weights.append(model.values)
        return EvaluationResult(
          loss: 1, metrics: [Score("accuracy", scores.removeFirst())], examples: 1, runtime: 0)
      }
      #expect(recorder.evaluations.map(\.step) == [13, 26, 39])
      #expect(recorder.evaluations.map(\.isBest) == [true, true, false])
      #expect(summary.bestStep == 26 && summary.bestMetric == 0.9 && summary.holdsBestWeights)
      #expect(model.values == weights[1])
    }
  }

  @Test("a loss that is not finite stops the run and names step and examples; the weights stay finite")
  func nonFinite() throws {
    let model = ToyModel()
    var calls = 0
    model.hook = { _ in
      calls += 1
      return calls == 6 ? .nan : 1
    }
    let error = #expect(throws: TrainingError.self) { try train(config(), model: model) }
    let text = error?.description ?? ""
    #expect(text.contains("loss is nan at step 6 (epoch 1, micro-batch 1, examples "), "\(text)")
    #expect(model.values.joined().allSatisfy { $0.isFinite })
    model.hook = { _ in 1e38 }
    model.weight.assign(Tensor(repeating: 1e4, shape: [2, 6]))
    #expect(throws: TrainingError.self) { try train(config(), model: model) }
  }

  @Test("logs hold means over the steps since the line before")
  func logs() throws {
    let (_, recorder, _) = try train(config { $0.loggingFirstStep = true })
    #expect(recorder.entries.map(\.step) == [1, 5, 10, 15, 20, 25, 30, 35, 39])
    #expect(abs(recorder.entries[1].loss - recorder.losses[1..<5].reduce(0, +) / 4) < 1e-12)
    #expect(recorder.entries[1].parts.map(\.name) == ["cross_entropy"])
    #expect(recorder.entries[2].learningRate == recorder.progress[9].learningRate)
    #expect(abs(recorder.entries[2].learningRate - 0.05 * 30 / 39) < 1e-12)
    #expect(recorder.progress[12].epoch == 1 && recorder.progress[38].secondsLeft == 0)
  }

  @Test("a run without data, an unknown metric and an evaluation without data are refused")
  func refusals() throws {
    let empty = #expect(throws: TrainingError.self) { try train(config(), examples: []) }
    #expect(empty?.description.contains("nothing to train on") == true)
    let missing = #expect(throws: TrainingError.self) { try train(config { $0.evalStrategy = .epoch }) }
    #expect(missing?.description.contains("eval_strategy") == true)
    let model = ToyModel()
    let unknown = #expect(throws: TrainingError.self) {
      try train(
        config {
          $0.evalStrategy = .epoch
          $0.metricForBestModel = "f2"
        }, model: model
      ) { try model.evaluate(toyExamples(5)) }
    }
    #expect(unknown?.description.contains("\"eval_accuracy\"") == true)
  }

  /// Asks for the end after an update, and leaves the loop to finish properly.
  private final class Stopper: TrainingObserver {
    let step: Int
    private(set) var stopReason: String?
    init(after step: Int) { self.step = step }
    func stepDone(_ progress: TrainingProgress) { if progress.step == step { stopReason = "enough" } }
  }

  @Test(
    "an observer ends the run at a step boundary; that step is logged, evaluated and saved as the last one is"
  )
  func observersStop() throws {
    try FixedThreads.run {
      let folder = FileManager.default.temporaryDirectory.appending(path: "stop-\(UUID().uuidString)")
      defer { try? FileManager.default.removeItem(at: folder) }
      let model = ToyModel()
      let recorder = Recorder()
      let settings = config {
        $0.evalStrategy = .epoch
        $0.saveStrategy = .epoch
        $0.loadBestModelAtEnd = true
      }
      var scores = [0.5, 0.1, 0.9]
      var weights: [[[Float]]] = []
      let loop = TrainingLoop(
        config: settings, objective: model, data: TrainingData(toyExamples(50), config: settings),
        evaluate: {
          weights.append(model.values)
          return EvaluationResult(loss: scores.removeFirst(), metrics: [], examples: 1, runtime: 0)
        }, checkpoints: CheckpointFolder(folder), observers: [recorder, Stopper(after: 28)])
      let summary = try loop.run()
      #expect(summary.globalStep == 28 && summary.stoppedEarly && recorder.losses.count == 28)
      #expect(summary.json["stopped_early"] == true)
      #expect(recorder.evaluations.map(\.step) == [13, 26, 28])
      #expect(recorder.entries.last?.step == 28)
      #expect(recorder.messages.contains { $0.contains("stopped after step 28 of 39: enough") })
      #expect(CheckpointFolder.latest(in: folder)?.lastPathComponent == "checkpoint-28")
      // The best weights are kept although they are not the last ones.
      #expect(summary.bestStep == 26 && summary.holdsBestWeights && model.values == weights[1])
      // Up to there the run is the one that nobody stopped.
      let whole = try train(config())
      #expect(Array(whole.recorder.losses.prefix(28)) == recorder.losses)
      #expect(!whole.summary.stoppedEarly && whole.summary.json["stopped_early"] == nil)
    }
  }

  @Test("patience counts evaluations without gain beyond the threshold, and a resumed run goes on counting")
  func earlyStopping() throws {
    try FixedThreads.run {
      let folder = FileManager.default.temporaryDirectory.appending(path: "patience-\(UUID().uuidString)")
      defer { try? FileManager.default.removeItem(at: folder) }
      let settings = config {
        $0.evalStrategy = .steps
        $0.evalSteps = 2
        $0.saveStrategy = .steps
        $0.saveSteps = 2
        $0.saveTotalLimit = nil
        $0.earlyStoppingPatience = 2
        $0.earlyStoppingThreshold = 0.05
        $0.metricForBestModel = "accuracy"
      }
      // 0.53 is better than 0.5, but not by more than 0.05; 0.6 is. Then 0.62 and 0.61 are the two without gain.
      let scores = [0.5, 0.53, 0.6, 0.62, 0.61, 0.9]
      func run(from checkpoint: URL?, skipping: Int) throws -> (TrainingSummary, Recorder) {
        var left = scores.dropFirst(skipping)
        let (model, recorder) = (ToyModel(), Recorder())
        let loop = TrainingLoop(
          config: settings, objective: model, data: TrainingData(toyExamples(50), config: settings),
          evaluate: {
            EvaluationResult(
              loss: 1, metrics: [Score("accuracy", left.removeFirst())], examples: 1, runtime: 0)
          }, checkpoints: CheckpointFolder(folder), observers: [recorder])
        return (try loop.run(resumingFrom: checkpoint.map { .checkpoint($0) }), recorder)
      }
      let (summary, recorder) = try run(from: nil, skipping: 0)
      #expect(summary.globalStep == 10 && summary.stoppedEarly && summary.bestStep == 8)
      #expect(
        recorder.messages.contains {
          $0 == "stopped after step 10 of 39: eval_accuracy did not improve in 2 evaluations"
        })
      let (resumed, _) = try run(from: folder.appending(path: "checkpoint-8"), skipping: 4)
      #expect(resumed.globalStep == 10 && resumed.bestStep == 8)
      let (over, _) = try run(from: folder.appending(path: "checkpoint-10"), skipping: 5)
      #expect(over.globalStep == 10 && over.stoppedEarly)

      let faults = config {
        $0.earlyStoppingPatience = 0
        $0.earlyStoppingThreshold = -1
      }.faults()
      #expect(
        faults.map(\.field) == [
          "early_stopping_patience", "early_stopping_patience", "early_stopping_threshold",
        ])
    }
  }

  @Test func checkpointsByTimeTakeAHundredthOfARun() {
    // 3 GB at 50 MB/s are a minute, so the first comes after 100 minutes.
    var pace = CheckpointPace(bytes: 3_000_000_000, after: 50)
    #expect(!pace.isDue(after: 50 + 5999) && pace.isDue(after: 50 + 6000))
    // It took 2 s in truth: the next is due 200 s later.
    pace.saved(after: 6050, in: 2)
    #expect(!pace.isDue(after: 6249) && pace.isDue(after: 6250))
    // What is small is written each minute.
    pace.saved(after: 6250, in: 0.01)
    #expect(!pace.isDue(after: 6309) && pace.isDue(after: 6310))
  }
}
