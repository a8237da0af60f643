import Datasets
import Foundation
import ModelFormats
import Tensors
import TestSupport
import Testing
import Tokenization
import Training

/// What a run believes of the checkpoints that lie in its folder.
@Suite("Resumption")
struct ResumptionTests {
  private func config(_ change: (inout TrainingConfig) -> Void = { _ in }) -> TrainingConfig {
    var config = TrainingConfig()
    config.learningRate = 0.05
    config.perDeviceTrainBatchSize = 4
    config.numTrainEpochs = 2
    config.saveSteps = 5
    config.evalStrategy = .never
    change(&config)
    return config
  }

  @discardableResult
  private func run(
    _ config: TrainingConfig, in url: URL, model: ToyModel = ToyModel(),
    rows: [EncodedExample] = toyExamples(40), origin: RunOrigin = RunOrigin(), resume: ResumePoint? = nil,
    observers: [any TrainingObserver] = []
  ) throws -> ToyModel {
    let loop = TrainingLoop(
      config: config, objective: model, data: TrainingData(rows, config: config),
      evaluate: config.evalStrategy == .never ? nil : { try model.evaluate(toyExamples(40, seed: 9)) },
      checkpoints: CheckpointFolder(url, origin: origin), observers: observers)
    _ = try loop.run(resumingFrom: resume)
    return model
  }

  private func fault(_ body: () throws -> Void) -> String {
    let error = #expect(throws: TrainingError.self) { try body() }
    return error?.description ?? ""
  }

  /// Labels, order, number and tokens of rows; the starting model; teacher, validation rows and settings of either kind.
  @Test(
    "a checkpoint of another run is refused, and what differs is named; with consent the run goes on and says so"
  )
  func otherRuns() throws {
    let temporary = try TemporaryFolder()
    var origin = RunOrigin(teachers: ["a"], validation: "v")
    origin.settings["temperature"] = 4
    try run(config(), in: temporary.url, origin: origin)
    let rows = toyExamples(40)
    var (swapped, relabelled, other) = (rows, rows, origin)
    swapped.swapAt(0, 1)
    relabelled[3].label = 1 - relabelled[3].label
    var cases: [(String, (ResumePoint, [any TrainingObserver]) throws -> Void)] = [
      (
        "the training rows differ",
        { try run(config(), in: temporary.url, rows: swapped, origin: origin, resume: $0, observers: $1) }
      ),
      (
        "the training rows differ",
        { try run(config(), in: temporary.url, rows: relabelled, origin: origin, resume: $0, observers: $1) }
      ),
      (
        "the training rows differ",
        {
          try run(
            config(), in: temporary.url, rows: toyExamples(44), origin: origin, resume: $0, observers: $1)
        }
      ),
      (
        "the starting model differs",
        {
          try run(
            config(), in: temporary.url, model: ToyModel(seed: 3), origin: origin, resume: $0, observers: $1)
        }
      ),
      (
        "learning_rate: 0.05 before, 0.01 now",
        {
          try run(
            config { $0.learningRate = 0.01 }, in: temporary.url, origin: origin, resume: $0, observers: $1)
        }
      ),
      (
        "the order of the training rows differs; seed: 42 before, 7 now",
        { try run(config { $0.seed = 7 }, in: temporary.url, origin: origin, resume: $0, observers: $1) }
      ),
    ]
    for (expected, change) in [
      ("the teacher differs", { $0.teachers = ["b"] }),
      ("the validation rows differ", { $0.validation = nil }),
      ("temperature: 4 before, 8 now", { $0.settings["temperature"] = 8 }),
    ] as [(String, (inout RunOrigin) -> Void)] {
      other = origin
      change(&other)
      let changed = other
      cases.append(
        (expected, { try run(config(), in: temporary.url, origin: changed, resume: $0, observers: $1) }))
    }
    let newest = try #require(CheckpointFolder.latest(in: temporary.url))
    for (expected, resume) in cases {
      let named = fault { try resume(.checkpoint(newest), []) }
      #expect(named.contains(expected) && named.contains("--resume-anyway"), "\(named)")
      let last = fault { try resume(.newest, []) }
      #expect(last.contains("no checkpoint of this run") && last.contains(expected), "\(last)")
      let recorder = Recorder()
      try resume(ResumePoint(.checkpoint(newest), acceptsDifferences: true), [recorder])
      #expect(recorder.messages.contains { $0.contains("the run differs") && $0.contains(expected) })
    }
  }

  @Test("what only changes reports, saves and the end of a run is no other run")
  func harmlessSettings() throws {
    let temporary = try TemporaryFolder()
    try run(config(), in: temporary.url)
    let recorder = Recorder()
    try run(
      config {
        $0.loggingSteps = 7
        $0.saveSteps = 3
        $0.saveTotalLimit = nil
      }, in: temporary.url, resume: .newest, observers: [recorder])
    #expect(!recorder.messages.contains { $0.contains("differ") })
  }

  @Test("the newest checkpoint that is whole and of this run is taken, and those skipped are named")
  func newest() throws {
    try FixedThreads.run {
      let temporary = try TemporaryFolder()
      let straight = try run(config { $0.saveTotalLimit = nil }, in: temporary.url).values
      #expect(CheckpointFolder.checkpoints(in: temporary.url).map(\.step) == [5, 10, 15, 20])
      // 20 is of another run, 15 is damaged.
      let other = try TemporaryFolder()
      try run(config { $0.seed = 8 }, in: other.url)
      let files = FileManager.default
      try files.removeItem(at: temporary.url.appending(path: "checkpoint-20"))
      try files.copyItem(
        at: other.url.appending(path: "checkpoint-20"), to: temporary.url.appending(path: "checkpoint-20"))
      let optimizer = temporary.url.appending(path: "checkpoint-15/optimizer.safetensors")
      var bytes = try Data(contentsOf: optimizer)
      bytes[bytes.count - 3] ^= 16
      try bytes.write(to: optimizer)
      let recorder = Recorder()
      let resumed = try run(config(), in: temporary.url, resume: .newest, observers: [recorder])
      #expect(resumed.values == straight)
      let said = recorder.messages.joined(separator: "\n")
      #expect(said.contains("skipping checkpoint-20: it is of another run"))
      #expect(said.contains("skipping checkpoint-15: it is damaged: optimizer.safetensors"))
      #expect(said.contains("checkpoint-10 after step 10"))
    }
  }

  @Test(
    "a damaged checkpoint is refused with the file that is not what was written",
    arguments: [
      ("model", "auxiliary.safetensors"), ("optimizer", "optimizer.safetensors"),
      ("state", "trainer_state.json"),
    ])
  func damage(kind: String, file: String) throws {
    let temporary = try TemporaryFolder()
    try run(config(), in: temporary.url)
    let checkpoint = try #require(CheckpointFolder.latest(in: temporary.url))
    let url = checkpoint.appending(path: file)
    let whole = try Data(contentsOf: url)
    for (change, expected) in [
      ({ (data: inout Data) in data[data.count / 2] ^= 1 }, "checksum differs"),
      ({ (data: inout Data) in data.removeLast() }, "bytes, expected \(whole.count)"),
    ] {
      var data = whole
      change(&data)
      try data.write(to: url)
      let message = fault { try run(config(), in: temporary.url, resume: .checkpoint(checkpoint)) }
      #expect(message.contains(file) && message.contains(expected), "\(message)")
    }
    try FileManager.default.removeItem(at: url)
    #expect(fault { try run(config(), in: temporary.url, resume: .checkpoint(checkpoint)) }.contains(file))
  }

  /// Form 1 has no `checkpoint.json`.
  @Test("a checkpoint of the older form is gone on from with a warning, to the bit")
  func formOne() throws {
    try FixedThreads.run {
      let temporary = try TemporaryFolder()
      let straight = try run(config(), in: temporary.url).values
      let checkpoint = temporary.url.appending(path: "checkpoint-15")
      try FileManager.default.removeItem(at: checkpoint.appending(path: "checkpoint.json"))
      let recorder = Recorder()
      #expect(
        try run(config(), in: temporary.url, resume: .checkpoint(checkpoint), observers: [recorder]).values
          == straight)
      #expect(recorder.messages.contains { $0.contains("older form") })
      #expect(!recorder.messages.contains { $0.contains("differ") })
      let changed = Recorder()
      try run(
        config { $0.learningRate = 0.01 }, in: temporary.url, resume: .checkpoint(checkpoint),
        observers: [changed])
      #expect(changed.messages.contains { $0.contains("learning_rate: 0.05 before, 0.01 now") })
    }
  }

  @Test(
    "trainer_state.json is believed in nothing beyond the plan or outside the folder",
    arguments: [
      ("global_step", 5000), ("global_step", -1), ("global_step", .integer(1 << 62)), ("global_step", "20"),
      ("num_input_tokens_seen", .integer(.max)), ("examples_seen", .integer(.max)), ("examples_seen", -1),
      ("best_model_checkpoint", "../../elsewhere"), ("best_model_checkpoint", "checkpoint-15/../../x"),
      ("best_model_checkpoint", "checkpoint-999"), ("best_global_step", 21), ("train_runtime", -5),
      ("early_stopping_patience_counter", .integer(.max)), ("loss_window", ["steps": .integer(.max)]),
      ("loss_window", ["steps": 1, "tokens": .integer(.max)]),
    ] as [(String, JSONValue)])
  func hostileState(key: String, value: JSONValue) throws {
    let temporary = try TemporaryFolder()
    try run(config(), in: temporary.url)
    let checkpoint = temporary.url.appending(path: "checkpoint-15")
    // In the older form, no checksum stands before the fields.
    try FileManager.default.removeItem(at: checkpoint.appending(path: "checkpoint.json"))
    let url = checkpoint.appending(path: "trainer_state.json")
    var state = try #require(JSONValue(contentsOf: url).objectValue)
    if key == "best_model_checkpoint" {
      state["best_global_step"] = 15
      state["best_metric"] = 0.999
    }
    state[key] = value
    try JSONValue.object(state).write(to: url)
    let message = fault { try run(config(), in: temporary.url, resume: .checkpoint(checkpoint)) }
    #expect(message.contains(key) && message.contains("expected"), "\(message)")
  }

  @Test(
    "a run that is broken off saves itself and the best weights, whatever the settings say of checkpoints")
  func interruption() throws {
    try FixedThreads.run {
      let settings = config {
        $0.saveStrategy = .never
        $0.evalStrategy = .steps
        $0.evalSteps = 4
        $0.loadBestModelAtEnd = true
        // So that the best evaluation is an early one.
        $0.learningRate = 0.5
      }
      let straightFolder = try TemporaryFolder()
      let straight = try run(settings, in: straightFolder.url).values
      #expect(CheckpointFolder.latest(in: straightFolder.url) == nil)
      for step in [1, 9, 12, 20] {
        let temporary = try TemporaryFolder()
        let message = fault { try run(settings, in: temporary.url, observers: [Breaker(after: step)]) }
        #expect(message.contains("interrupted after step \(step) of 20"))
        #expect(message.contains("--resume-from-checkpoint last"))
        #expect(CheckpointFolder.checkpoints(in: temporary.url).map(\.step) == [step])
        #expect(try run(settings, in: temporary.url, resume: .newest).values == straight, "step \(step)")
      }
    }
  }

  @Test("a run that goes on in another folder has the best weights of the one before, to the bit")
  func anotherFolder() throws {
    try FixedThreads.run {
      let settings = config {
        ($0.evalStrategy, $0.evalSteps, $0.saveTotalLimit) = (.steps, 4, nil)
        $0.loadBestModelAtEnd = true
        // So that the best evaluation is an early one.
        $0.learningRate = 0.5
      }
      let first = try TemporaryFolder()
      let straight = try run(settings, in: first.url).values
      let checkpoint = first.url.appending(path: "checkpoint-15")
      let state = try JSONValue(contentsOf: checkpoint.appending(path: "trainer_state.json"))
      let best = try #require(state["best_model_checkpoint"]?.stringValue)
      #expect(state["best_global_step"]?.intValue ?? 20 < 15)
      let second = try TemporaryFolder()
      #expect(try run(settings, in: second.url, resume: .checkpoint(checkpoint)).values == straight)
      // Its own checkpoint carries them on, also when the first folder is gone.
      try FileManager.default.removeItem(at: first.url.appending(path: best))
      let third = try TemporaryFolder()
      let later = second.url.appending(path: "checkpoint-20")
      #expect(try run(settings, in: third.url, resume: .checkpoint(later)).values == straight)
      let fourth = try TemporaryFolder()
      let recorder = Recorder()
      let anew = try run(settings, in: fourth.url, resume: .checkpoint(checkpoint), observers: [recorder])
      #expect(anew.values != straight)
      #expect(recorder.messages.contains { $0.contains(best) && $0.contains("looking for the best anew") })
    }
  }

  @Test("half-written and half-removed files of a process that is gone are cleared away, others are left")
  func leftovers() throws {
    let temporary = try TemporaryFolder()
    let names = [
      ".checkpoint-5.99999999-1.tmp", ".model.safetensors.99999999-123.tmp", ".checkpoint-10.99999999.tmp",
    ]
    let kept = [".notes.tmp", "x.99999999-1.tmp", ".vocab.txt.1-5.tmp"]
    for name in names + kept {
      try FileManager.default.createDirectory(
        at: temporary.url.appending(path: name), withIntermediateDirectories: true)
    }
    try run(config(), in: temporary.url)
    let left = try FileManager.default.contentsOfDirectory(atPath: temporary.url.path)
    #expect(Set(left) == Set(kept + ["checkpoint-15", "checkpoint-20"]))
  }

  @Test("a rate that evaluations lower goes on from where it was, to the bit, and is logged")
  func plateau() throws {
    try FixedThreads.run {
      let settings = config {
        ($0.lrSchedulerType, $0.evalStrategy, $0.evalSteps) = (.reduceLROnPlateau, .steps, 2)
        // No loss falls by half in two steps.
        $0.lrSchedulerKwargs = ["factor": 0.5, "patience": 0, "threshold": 0.5, "cooldown": 1]
        ($0.loggingSteps, $0.saveTotalLimit) = (1, nil)
      }
      let temporary = try TemporaryFolder()
      let recorder = Recorder()
      let straight = try run(settings, in: temporary.url, observers: [recorder]).values
      // The first evaluation is the best; then every second one counts.
      let rates = recorder.entries.map(\.learningRate)
      #expect(rates == [0.05, 0.025, 0.0125, 0.00625, 0.003125].flatMap { Array(repeating: $0, count: 4) })
      #expect(recorder.messages.contains("eval_loss is on a plateau: the learning rate is now 0.025"))
      for step in [5, 10, 15] {
        let checkpoint = temporary.url.appending(path: "checkpoint-\(step)")
        let resumed = try run(settings, in: temporary.url, resume: .checkpoint(checkpoint))
        #expect(resumed.values == straight, "step \(step)")
      }
      let state = temporary.url.appending(path: "checkpoint-15/trainer_state.json")
      var json = try #require(JSONValue(contentsOf: state).objectValue)
      json["lr_scheduler"] = ["best": 1, "num_bad_epochs": 1, "cooldown_counter": 0, "num_reductions": 99]
      try JSONValue.object(json).write(to: state)
      try FileManager.default.removeItem(at: temporary.url.appending(path: "checkpoint-15/checkpoint.json"))
      let message = fault {
        try run(settings, in: temporary.url, resume: .checkpoint(state.deletingLastPathComponent()))
      }
      #expect(message.contains("lr_scheduler is") && message.contains("expected counts of evaluations"))
    }
  }

  /// Dropout is on: what a row draws does not depend on the cut into micro-batches.
  @Test("one batch of 8 and four of 2 are one update")
  func accumulation() throws {
    func trained(_ batch: Int, _ accumulation: Int) throws -> [[Float]] {
      let temporary = try TemporaryFolder()
      return try run(
        config {
          $0.perDeviceTrainBatchSize = batch
          $0.gradientAccumulationSteps = accumulation
          $0.optim = .sgd
        }, in: temporary.url
      ).values
    }
    let (whole, split) = (try trained(8, 1), try trained(2, 4))
    for (a, b) in zip(whole.joined(), split.joined()) { #expect(abs(a - b) < 1e-6) }
    #expect(try trained(4, 1) != whole)
  }
}

/// Breaks a run off after a step.
private final class Breaker: TrainingObserver {
  private let last: Int
  private(set) var isInterrupted = false

  init(after last: Int) { self.last = last }

  func stepDone(_ progress: TrainingProgress) { isInterrupted = progress.step == last }
}
