import Foundation
import ModelFormats
import Testing
import Training

@Suite("Training settings")
struct ConfigTests {
  @Test("defaults are those of TrainingArguments")
  func defaults() throws {
    let config = try JSONDecoder().decode(TrainingConfig.self, from: Data("{}".utf8))
    #expect(config == TrainingConfig())
    #expect(config.learningRate == 5e-5 && config.adamEpsilon == 1e-8 && config.maxGradNorm == 1)
    #expect(config.numTrainEpochs == 3 && config.seed == 42 && config.perDeviceTrainBatchSize == 8)
    #expect(config.faults().isEmpty)
  }

  @Test("what is written is read back, nil values included")
  func roundTrip() throws {
    var config = TrainingConfig()
    config.lrSchedulerType = .polynomial
    config.lrSchedulerKwargs = ["power": 2]
    config.saveTotalLimit = nil
    config.tokensPerBatch = 2048
    config.optim = .sgd
    config.metricForBestModel = "accuracy"
    config.seed = .max
    let data = try JSONEncoder().encode(config)
    #expect(try JSONDecoder().decode(TrainingConfig.self, from: data) == config)
    let text = String(decoding: data, as: UTF8.self)
    for key in TrainingConfig.settings.keys {
      #expect(text.contains("\"\(key)\""), "\(key)")
    }
  }

  @Test("every setting has its line in the table")
  func table() {
    #expect(TrainingConfig.settings.keys.count == Mirror(reflecting: TrainingConfig()).children.count)
    #expect(Set(TrainingConfig.settings.keys).count == TrainingConfig.settings.keys.count)
  }

  @Test("everything that cannot be read is said at once")
  func unreadable() throws {
    let error = #expect(throws: TrainingError.self) {
      try JSONDecoder().decode(
        TrainingConfig.self,
        from: Data(#"{"seed": "x", "warmup_steps": 1.5, "optim": "sdg", "other": 1}"#.utf8))
    }
    #expect(
      error?.description
        == "the training settings have 3 faults:\n"
        + "  optim: found \"sdg\"; did you mean \"sgd\"? Known are adamw_torch, sgd, lamb, adafactor\n"
        + "  warmup_steps: is 1.5; expected a whole number, or a ratio below 1\n"
        + "  seed: found \"x\", expected a whole number of at least 0")
  }

  @Test("a warmup_steps below 1 is a ratio, as in transformers 5")
  func warmup() throws {
    let config = try JSONDecoder().decode(TrainingConfig.self, from: Data(#"{"warmup_steps": 0.1}"#.utf8))
    #expect(config.warmupRatio == 0.1 && config.warmupSteps == 0)
  }

  @Test("all faults are found at once and named as the user spells them")
  func faults() {
    var config = TrainingConfig()
    config.learningRate = -1
    config.adamBeta2 = 1
    config.numTrainEpochs = 0
    config.perDeviceTrainBatchSize = 0
    config.gradientAccumulationSteps = 0
    config.warmupRatio = 2
    config.lrSchedulerKwargs = ["power": 1]
    config.loadBestModelAtEnd = true
    #expect(
      config.faults().map(\.field) == [
        "learning_rate", "adam_beta2", "num_train_epochs", "per_device_train_batch_size",
        "gradient_accumulation_steps", "lr_scheduler_kwargs", "warmup_ratio", "load_best_model_at_end",
      ])
    let text = TrainingError.configuration(config.faults()).description
    #expect(text.hasPrefix("the training settings have 8 faults:\n  learning_rate: is -1.0; expected"))
  }

  @Test("arguments of an optimizer that takes none, and a text that is none, are refused")
  func optimizerArguments() {
    var config = TrainingConfig()
    config.optimArgs = "momentum=0.9"
    #expect(
      config.faults().map(\.description) == [
        "optim_args: momentum: is not known; adamw_torch takes no arguments"
      ])
    config.optimArgs = "momentum"
    #expect(
      config.faults().map(\.description) == [
        "optim_args: is \"momentum\"; expected name=value, with a comma between two of them"
      ])
  }
}
