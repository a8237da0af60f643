import Datasets
import Evaluation
import Foundation
import ModelFormats
import Tensors
import TestSupport
import Testing
import Training

/// Runs whose numbers overflow or whose folder goes away: nothing broken is saved, and what is said fits the cause.
@Suite struct BrokenRunTests {
  private func config(_ change: (inout TrainingConfig) -> Void = { _ in }) -> TrainingConfig {
    var config = TrainingConfig()
    (config.learningRate, config.perDeviceTrainBatchSize, config.saveStrategy) = (0.05, 4, .never)
    change(&config)
    return config
  }

  /// The words of the error that a run ends with; empty for a run that goes well.
  private func failure(
    _ config: TrainingConfig, _ model: ToyModel = ToyModel(), in folder: CheckpointFolder? = nil,
    examples: Int = 20
  ) -> String {
    do {
      _ = try TrainingLoop(
        config: config, objective: model, data: TrainingData(toyExamples(examples), config: config),
        checkpoints: folder
      ).run()
      return ""
    } catch { return "\(error)" }
  }

  @Test("a last update that breaks the weights ends the run, and the checkpoint before it stays")
  func lastUpdate() throws {
    let folder = try TemporaryFolder()
    let settings = config {
      // The first update warms up and changes nothing.
      ($0.learningRate, $0.weightDecay, $0.maxSteps, $0.warmupSteps) = (1e38, 1e5, 2, 1)
      ($0.saveStrategy, $0.saveSteps) = (.steps, 1)
    }
    let text = failure(settings, in: CheckpointFolder(folder.url))
    #expect(text.contains("the weights are not finite after step 2"), "\(text)")
    #expect(text.contains("embedding.weight") && text.contains("Lower weight_decay"), "\(text)")
    #expect(CheckpointFolder.checkpoints(in: folder.url).map(\.step) == [1])
    // Without a folder for checkpoints too.
    #expect(failure(config { ($0.learningRate, $0.weightDecay, $0.maxSteps) = (1e38, 1e5, 1) }) != "")
    let rate = failure(
      config { ($0.learningRate, $0.optim, $0.maxGradNorm, $0.maxSteps) = (3e38, .sgd, 0, 60) })
    #expect(rate.contains("Lower learning_rate") && !rate.contains("weight_decay"), "\(rate)")
  }

  @Test("weights that are broken before the first update are not blamed on the learning rate")
  func brokenStart() {
    let model = ToyModel()
    model.embedding.assign(Tensor(repeating: .nan, shape: model.embedding.shape))
    let text = failure(config { $0.maxSteps = 2 }, model)
    #expect(text.contains("loss is nan at step 1"), "\(text)")
    #expect(text.contains("starts from are not finite, the first of them in embedding.weight"), "\(text)")
    #expect(!text.contains("Lower learning_rate"), "\(text)")
  }

  @Test("a loss that is broken at the first update is not blamed on the learning rate")
  func brokenLoss() {
    let model = ToyModel()
    model.hook = { _ in .infinity }
    let text = failure(config { $0.maxSteps = 2 }, model)
    #expect(
      text.contains("learning_rate is not the cause") && text.contains("their weights are too large"),
      "\(text)")
  }

  @Test("numbers that single precision does not hold are refused by name")
  func numbers() {
    let broken = config {
      ($0.learningRate, $0.weightDecay, $0.adamEpsilon, $0.maxGradNorm) = (1e300, 1e308, 1e-300, 1e-300)
      ($0.adamBeta1, $0.numTrainEpochs, $0.maxSteps) = (0.99999999999, .nan, 3)
      ($0.tokensPerBatch, $0.gradientAccumulationSteps, $0.perDeviceEvalBatchSize) = (.max, .max, .max)
    }
    #expect(
      broken.faults().map(\.field) == [
        "learning_rate", "weight_decay", "adam_beta1", "adam_epsilon", "max_grad_norm", "num_train_epochs",
        "per_device_eval_batch_size", "tokens_per_batch", "gradient_accumulation_steps",
      ])
    #expect("\(broken.faults()[1])".contains("infinite in the single precision"))
    #expect("\(broken.faults()[3])".contains("0 in the single precision"))
  }

  @Test("a plan beyond what can be is refused with its number of steps")
  func plans() {
    let epochs = failure(
      config { ($0.numTrainEpochs, $0.perDeviceTrainBatchSize) = (1e6, 1) }, examples: 1000)
    #expect(epochs.contains("num_train_epochs: asks for 100001000 updates"), "\(epochs)")
    let steps = failure(config { ($0.maxSteps, $0.perDeviceTrainBatchSize) = (100_000_000, 20) })
    #expect(steps.contains("max_steps: asks for 100000000 updates"), "\(steps)")
    #expect(failure(config { $0.maxSteps = .max }).contains("max_steps: is 9223372036854775807"))
  }

  @Test("a run folder that goes away under its run is said to be away")
  func removedFolder() throws {
    let folder = try TemporaryFolder()
    let model = ToyModel()
    let settings = config {
      ($0.maxSteps, $0.evalStrategy, $0.evalSteps, $0.loadBestModelAtEnd) = (3, .steps, 1, true)
      ($0.metricForBestModel, $0.saveStrategy, $0.saveSteps) = ("accuracy", .steps, 100)
    }
    var score = 1.0
    let loop = TrainingLoop(
      config: settings, objective: model, data: TrainingData(toyExamples(20), config: settings),
      evaluate: {
        score /= 2
        return EvaluationResult(loss: 1, metrics: [Score("accuracy", score)], examples: 1, runtime: 1)
      }, checkpoints: CheckpointFolder(folder.url), observers: [Remover(folder.url)])
    let error = #expect(throws: TrainingError.self) { try loop.run() }
    let text = error?.description ?? ""
    #expect(text.contains("checkpoint-1: it is not there (any more)"), "\(text)")
  }

  private final class Remover: TrainingObserver {
    let folder: URL
    init(_ folder: URL) { self.folder = folder }
    func stepDone(_ progress: TrainingProgress) throws {
      if progress.step == progress.totalSteps { try FileManager.default.removeItem(at: folder) }
    }
  }
}
