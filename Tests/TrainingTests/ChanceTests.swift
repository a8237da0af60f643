import Datasets
import Foundation
import ModelFormats
import Tensors
import TestSupport
import Testing
import Tokenization
import Training

/// Runs whose loss stays that of a guess are told so, once, and others are not.
@Suite struct ChanceTests {
  private func config(_ change: (inout TrainingConfig) -> Void = { _ in }) -> TrainingConfig {
    var config = TrainingConfig()
    (config.learningRate, config.perDeviceTrainBatchSize, config.numTrainEpochs) = (0.05, 4, 3)
    (config.saveStrategy, config.evalStrategy) = (.never, .never)
    change(&config)
    return config
  }

  private func run(
    _ config: TrainingConfig, rows: [EncodedExample] = toyExamples(100), part: ChancePart? = ChancePart(),
    in folder: URL? = nil, from point: ResumePoint? = nil, _ hook: @escaping (Batch) -> Float = { _ in 1 }
  ) throws -> (summary: TrainingSummary, warnings: [String]) {
    let (model, recorder) = (ToyModel(), Recorder())
    (model.chancePart, model.hook) = (part, hook)
    let loop = TrainingLoop(
      config: config, objective: model, data: TrainingData(rows, config: config),
      checkpoints: folder.map { CheckpointFolder($0) }, observers: [recorder])
    let summary = try loop.run(resumingFrom: point)
    return (summary, recorder.messages.filter { $0.contains("no better than that of a guess") })
  }

  @Test("a run that learns nothing is told so once, with what to do, and its results count the epochs")
  func nothingLearnt() throws {
    let (summary, warnings) = try run(config { $0.learningRate = 1e-9 })
    #expect(warnings.count == 1, "\(warnings)")
    #expect(warnings.first?.hasPrefix("epoch 2: the training loss (0.") == true, "\(warnings)")
    #expect(warnings.first?.contains("Lower learning_rate, which is 1e-09") == true)
    #expect(summary.json["epochs_at_chance"] == 2)
    // A first epoch is judged too where it is long, and a named part by its own level.
    let long = try run(
      config { ($0.learningRate, $0.numTrainEpochs, $0.perDeviceTrainBatchSize) = (1e-9, 1, 1) },
      part: ChancePart("cross_entropy", level: 0.1))
    #expect(long.warnings.first?.contains("epoch 1: the training loss (cross_entropy, 0.") == true, "\(long)")
    #expect(long.warnings.first?.contains("(0.1)") == true)
  }

  @Test("a run that learns, a short one and one without a part to compare are told nothing")
  func nothingToSay() throws {
    for (summary, warnings) in [
      try run(config()), try run(config { $0.learningRate = 1e-9 }, part: nil),
      try run(config { ($0.learningRate, $0.numTrainEpochs) = (1e-9, 1) }),
      try run(config { $0.learningRate = 1e-9 }, rows: toyExamples(40)),
      try run(config { $0.learningRate = 1e-9 }, part: ChancePart("nowhere")),
      // All rows are alike.
      try run(config { $0.learningRate = 1e-9 }, rows: toyExamples(100).filter { $0.label == 1 }),
    ] {
      #expect(warnings.isEmpty && summary.json["epochs_at_chance"] == nil, "\(warnings)")
    }
  }

  @Test("updates of the warm-up count for nothing, and the epoch in which it ends is the first")
  func warmUp() throws {
    func first(_ warmupSteps: Int, epochs: Double, size: Int = 4) throws -> (Int, String) {
      let result = try run(
        config {
          ($0.learningRate, $0.numTrainEpochs) = (1e-9, epochs)
          ($0.warmupSteps, $0.perDeviceTrainBatchSize) = (warmupSteps, size)
        })
      let epoch = result.warnings.first.map { String($0.prefix { $0 != ":" }) } ?? "none"
      return (result.summary.epochsAtChance, epoch)
    }
    // Epochs of 25 updates.
    #expect(try first(24, epochs: 3) == (2, "epoch 2"))
    #expect(try first(26, epochs: 3) == (1, "epoch 3"))
    #expect(try first(60, epochs: 3) == (0, "none"))
    // Epochs of 100.
    #expect(try first(1, epochs: 2, size: 1) == (1, "epoch 2"))
    #expect(try first(0, epochs: 2, size: 1) == (2, "epoch 1"))
  }

  @Test("a diverging run is told so, and a resumed one goes on counting and says nothing again")
  func diverging() throws {
    let folder = try TemporaryFolder()
    let settings = config {
      ($0.saveStrategy, $0.saveTotalLimit) = (.epoch, nil)
    }
    // Updates that climb: the part is the loss as it is.
    let part = ChancePart("cross_entropy")
    let (summary, warnings) = try run(settings, part: part, in: folder.url) { _ in -1 }
    #expect(summary.epochsAtChance == 2 && warnings.count == 1, "\(warnings)")
    let resumed = try run(
      settings, part: part, in: try TemporaryFolder().url,
      from: .checkpoint(folder.url.appending(path: "checkpoint-50"))
    ) { _ in -1 }
    #expect(resumed.summary.epochsAtChance == 2 && resumed.warnings.isEmpty)
  }

  @Test(
    "the loss of a guess follows from the targets: shares of labels, spread of numbers, tags and places that occur"
  )
  func guesses() throws {
    func guess(_ targets: [ExampleTarget]) throws -> String {
      let rows = targets.map { EncodedExample(ids: [1, 2, 3, 4], segments: [0, 0, 0, 0], target: $0) }
      let many = Array(repeating: rows, count: 100).flatMap { $0 }
      let settings = config { ($0.learningRate, $0.perDeviceTrainBatchSize) = (1e-9, rows.count) }
      let (model, recorder) = (Constant(), Recorder())
      let loop = TrainingLoop(
        config: settings, objective: model, data: TrainingData(many, config: settings), observers: [recorder])
      _ = try loop.run()
      let text = recorder.messages.first { $0.contains("that of a guess") } ?? ""
      return text.components(separatedBy: "guess (").last?.components(separatedBy: ")").first ?? ""
    }
    func expect(_ text: String, _ value: Double) {
      #expect(abs((Double(text) ?? 0) - value) < 1e-6, "\(text) for \(value)")
    }
    // Three of four rows have one label: 3/4 ln 4/3 + 1/4 ln 4.
    expect(try guess([.label(0), .label(1), .label(1), .label(1)]), 0.75 * log(4 / 3) + 0.25 * log(4))
    expect(try guess([.value(1), .value(3)]), 1)
    expect(try guess([.labels([true, true]), .labels([false, true])]), log(2) / 2)
    expect(try guess([.tags([0, 1, 2, -100])]), log(3))
    expect(try guess([.span(start: 0, end: 1)]), log(4))
  }

  /// An objective of one parameter whose loss is 100 whatever it sees.
  private final class Constant: TrainingObjective {
    let base = ToyModel()
    var groups: [ParameterGroup] { base.groups }
    func chance(of batch: Batch) -> ChancePart? { ChancePart() }
    func loss(_ batch: Batch, progress: Double, in context: Context) -> StepLoss {
      StepLoss(base.bias.tensor(in: context).sum() * 0 + 100)
    }
  }
}
