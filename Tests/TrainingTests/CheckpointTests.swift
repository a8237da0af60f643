import Datasets
import Foundation
import ModelFormats
import Tensors
import TestSupport
import Testing
import Training

@Suite("Checkpoints and run folder")
struct CheckpointTests {
  private struct Interruption: Error {}

  private func config(_ change: (inout TrainingConfig) -> Void = { _ in }) -> TrainingConfig {
    var config = TrainingConfig()
    config.learningRate = 0.05
    config.weightDecay = 0.01
    config.perDeviceTrainBatchSize = 4
    config.gradientAccumulationSteps = 2
    config.loggingSteps = 4
    config.saveSteps = 5
    config.warmupSteps = 3
    config.evalStrategy = .steps
    config.evalSteps = 3
    config.loadBestModelAtEnd = true
    change(&config)
    return config
  }

  /// Saves two of the three parameters as a model would, so that the third has to come from beside it.
  private func folder(_ url: URL, _ model: ToyModel) -> CheckpointFolder {
    CheckpointFolder(url) { target in
      var writer = SafetensorsWriter()
      for parameter in [model.weight, model.bias] {
        writer.add(parameter.name, shape: parameter.shape.dimensions, values: parameter.values)
      }
      try writer.write(to: target.appending(path: "model.safetensors"))
    }
  }

  @discardableResult
  private func run(
    _ config: TrainingConfig, in url: URL, model: ToyModel = ToyModel(),
    rows: [EncodedExample] = toyExamples(50),
    resume: ResumePoint? = nil, recorder: Recorder = Recorder()
  ) throws -> (summary: TrainingSummary, model: ToyModel, recorder: Recorder) {
    let loop = TrainingLoop(
      config: config, objective: model, data: TrainingData(rows, config: config),
      evaluate: { try model.evaluate(toyExamples(40, seed: 9)) }, checkpoints: folder(url, model),
      observers: [recorder, try RunLog(url)])
    return (try loop.run(resumingFrom: resume), model, recorder)
  }

  /// The lines of a log without what depends on the clock.
  private func timeless(_ lines: [JSONValue]) -> [JSONValue] {
    lines.map { line in
      var object = line.objectValue ?? JSONObject()
      for key in object.keys where key.hasSuffix("per_second") || key.hasSuffix("runtime") {
        object[key] = nil
      }
      return .object(object)
    }
  }

  private func lines(of folder: URL) throws -> [JSONValue] {
    let text = try String(contentsOf: folder.appending(path: "metrics.jsonl"), encoding: .utf8)
    return try text.split(separator: "\n").map { try JSONValue(parsing: String($0)) }
  }

  @Test("a run that broke off and went on equals the uninterrupted one to the bit", arguments: [7, 12, 17])
  func resume(breaksAfter: Int) throws {
    try FixedThreads.run {
      let temporary = try TemporaryFolder()
      let (straightURL, brokenURL) = (
        temporary.url.appending(path: "straight"), temporary.url.appending(path: "broken")
      )
      let straight = try run(config(), in: straightURL)

      let model = ToyModel()
      var calls = 0
      model.hook = { _ in
        calls += 1
        if calls > 2 * breaksAfter - (breaksAfter / 7) { throw Interruption() }
        return 1
      }
      #expect(throws: Interruption.self) { try run(config(), in: brokenURL, model: model) }
      let checkpoint = try #require(CheckpointFolder.latest(in: brokenURL))
      let resumed = try run(config(), in: brokenURL, resume: .checkpoint(checkpoint))

      #expect(resumed.model.values == straight.model.values)
      #expect(resumed.summary.trainLoss == straight.summary.trainLoss)
      #expect(resumed.summary.bestStep == straight.summary.bestStep)
      #expect(resumed.summary.bestMetric == straight.summary.bestMetric)
      #expect(resumed.summary.examplesSeen == straight.summary.examplesSeen)
      #expect(timeless(try lines(of: brokenURL)) == timeless(try lines(of: straightURL)))
      #expect(!resumed.recorder.messages.contains { $0.contains("differ") })
    }
  }

  @Test("a checkpoint holds weights, state and history, and no temporary folder remains")
  func contents() throws {
    let temporary = try TemporaryFolder()
    try run(config { $0.loadBestModelAtEnd = false }, in: temporary.url)
    let names = CheckpointFolder.checkpoints(in: temporary.url).map(\.url.lastPathComponent)
    #expect(names == ["checkpoint-15", "checkpoint-20"])
    let all = try FileManager.default.contentsOfDirectory(atPath: temporary.url.path)
    #expect(!all.contains { $0.hasSuffix(".tmp") })
    let checkpoint = temporary.url.appending(path: "checkpoint-20")
    #expect(
      try FileManager.default.contentsOfDirectory(atPath: checkpoint.path).sorted() == [
        "auxiliary.safetensors", "checkpoint.json", "model.safetensors", "optimizer.safetensors",
        "trainer_state.json",
      ])
    let auxiliary = try SafetensorsFile(path: checkpoint.appending(path: "auxiliary.safetensors").path)
    #expect(auxiliary.tensors.map(\.name) == ["embedding.weight"])
    let state = try JSONValue(contentsOf: checkpoint.appending(path: "trainer_state.json"))
    #expect(state["global_step"]?.intValue == 20)
    #expect(state["max_steps"]?.intValue == 21)
    #expect(state["log_history"]?[0]?["step"]?.intValue == 3)
    #expect(state["training_config"]?["learning_rate"]?.doubleValue == 0.05)
  }

  @Test("the log in a checkpoint keeps its newest lines alone, however long the run")
  func longLog() throws {
    let temporary = try TemporaryFolder()
    try run(
      config {
        ($0.maxSteps, $0.loggingSteps, $0.loadBestModelAtEnd) = (1600, 1, false)
        ($0.evalStrategy, $0.saveStrategy, $0.saveSteps) = (.never, .steps, 400)
      }, in: temporary.url)
    func steps(_ step: Int) throws -> [Int] {
      let file = temporary.url.appending(path: "checkpoint-\(step)/trainer_state.json")
      return try JSONValue(contentsOf: file)["log_history"]?.arrayValue?.compactMap { $0["step"]?.intValue }
        ?? []
    }
    // The 1,001st line and the 1,502nd each leave 500.
    #expect(try steps(1200) == Array(502...1200) && steps(1600) == Array(1003...1600))
  }

  @Test("the best checkpoint outlives the limit, and an earlier run's later checkpoints are left alone")
  func limit() throws {
    let temporary = try TemporaryFolder()
    let stale = temporary.url.appending(path: "checkpoint-900")
    try FileManager.default.createDirectory(at: stale, withIntermediateDirectories: true)
    let (summary, _, _) = try run(
      config {
        $0.saveTotalLimit = 1
        $0.evalSteps = 6
      }, in: temporary.url)
    let steps = CheckpointFolder.checkpoints(in: temporary.url).map(\.step)
    let best = try #require(summary.bestStep)
    #expect(steps.contains(best) && steps.contains(900) && steps.count <= 3)
  }

  @Test("the run folder holds the results files of transformers")
  func results() throws {
    let temporary = try TemporaryFolder()
    let (_, model, _) = try run(config(), in: temporary.url)
    try RunLog(temporary.url).writeResults("eval", model.evaluate(toyExamples(40, seed: 9)).json)
    let all = try JSONValue(contentsOf: temporary.url.appending(path: "all_results.json"))
    let expected = [
      "epoch", "eval_accuracy", "eval_loss", "eval_runtime", "eval_samples", "eval_samples_per_second",
      "num_input_tokens_seen",
      "peak_rss_mb", "train_loss", "train_runtime", "train_samples", "train_samples_per_second",
      "train_steps",
      "train_steps_per_second", "train_tokens_per_second",
    ]
    #expect(all.objectValue?.keys == expected)
    for name in ["train_results.json", "eval_results.json"] {
      #expect(FileManager.default.fileExists(atPath: temporary.url.appending(path: name).path))
    }
    let logged = try lines(of: temporary.url)
    #expect(logged.contains { $0["eval_accuracy"] != nil } && logged.contains { $0["parts"] != nil })
  }
}
