package import Foundation
package import ModelFormats

/// State of a run beside its weights and optimizer state: the content of `trainer_state.json`.
///
/// Nothing random is in it: every random stream is a function of seed, step and row of the step's batch.
package struct TrainerState: Equatable {
  var globalStep = 0
  var epoch = 0.0
  var bestMetric: Double?
  var bestStep: Int?
  /// The folder name of the best checkpoint, relative to the run folder.
  var bestCheckpoint: String?
  /// The evaluations since the last one that beat the best value before it by more than the threshold.
  var evaluationsWithoutGain = 0
  /// State of a learning rate that evaluations lower; nil for other schedules.
  var plateau: PlateauSchedule.State?
  /// The newest lines of the log; all are in `metrics.jsonl`, and a checkpoint shall not grow with its run.
  private(set) var logHistory: [JSONValue] = []
  var lossSum = 0.0
  /// The updates that were left out, since their losses or gradients were not finite.
  var skippedSteps = 0
  /// Those of them after the last that was made.
  var skippedInARow = 0
  /// The epochs whose loss was no better than that of a guess.
  var epochsAtChance = 0
  var examplesSeen = 0
  var tokensSeen = 0
  var trainSeconds = 0.0
  var window = LossWindow()

  /// The most lines that are kept.
  private static let longestLog = 1000

  /// Adds a line of the log; of too many the older half goes.
  mutating func log(_ line: JSONObject) {
    logHistory.append(.object(line))
    if logHistory.count > Self.longestLog { logHistory.removeFirst(logHistory.count - Self.longestLog / 2) }
  }

  /// The file's name inside a checkpoint.
  package static let fileName = "trainer_state.json"

  /// The state with the settings of its run, keys as `transformers` names them where it has the thing.
  package func json(config: TrainingConfig, maxSteps: Int) throws -> JSONValue {
    var object = JSONObject()
    object["best_global_step"] = bestStep.map { .integer($0) } ?? .null
    object["best_metric"] = bestMetric.map { .double($0) } ?? .null
    object["best_model_checkpoint"] = bestCheckpoint.map { .string($0) } ?? .null
    object["early_stopping_patience_counter"] = .integer(evaluationsWithoutGain)
    object["epoch"] = .double(epoch)
    object["examples_seen"] = .integer(examplesSeen)
    object["global_step"] = .integer(globalStep)
    object["log_history"] = .array(logHistory)
    object["lr_scheduler"] = plateau?.json
    object["loss_sum"] = .double(lossSum)
    object["loss_window"] = window.json
    object["max_steps"] = .integer(maxSteps)
    object["num_input_tokens_seen"] = .integer(tokensSeen)
    object["num_train_epochs"] = .double(config.numTrainEpochs)
    if skippedSteps > 0 {
      object["skipped_steps"] = .integer(skippedSteps)
      object["skipped_steps_in_a_row"] = .integer(skippedInARow)
    }
    if epochsAtChance > 0 { object["epochs_at_chance"] = .integer(epochsAtChance) }
    object["train_batch_size"] = .integer(config.ofWholeBatches.perDeviceTrainBatchSize)
    object["train_runtime"] = .double(trainSeconds)
    object["training_config"] = config.json.sorted
    return .object(object)
  }

  init() {}

  /// Reads a state file, believing nothing that a run of the plan could not have written.
  ///
  /// - Parameters:
  ///   - url: The file.
  ///   - totalSteps: The updates of the plan.
  /// - Throws: `TrainingError.checkpoint` with the first field that cannot be.
  package init(contentsOf url: URL, totalSteps: Int) throws(TrainingError) {
    let json: JSONValue
    do { json = try JSONValue(contentsOf: url) } catch {
      throw .checkpoint(path: url.path, problem: "\(error)")
    }
    try self.init(json, of: url.path, totalSteps: totalSteps)
  }

  /// Reads a state as `json(config:maxSteps:)` has it.
  ///
  /// - Parameters:
  ///   - json: The state.
  ///   - path: Where it comes from.
  ///   - totalSteps: The updates of the plan.
  /// - Throws: `TrainingError.checkpoint` with the first field that cannot be.
  init(_ json: JSONValue, of path: String, totalSteps: Int) throws(TrainingError) {
    func fault(_ key: String, _ expected: String) -> TrainingError {
      let found = json[key].map { String($0.compactText.prefix(80)) } ?? "missing"
      return .checkpoint(path: path, problem: "\(key) is \(found); expected \(expected)")
    }
    func count(_ key: String, upTo limit: Int) throws(TrainingError) -> Int {
      guard let value = json[key], !value.isNull else { return 0 }
      guard let count = value.intValue, count >= 0, count <= limit else {
        throw fault(key, "a number from 0 to \(limit)")
      }
      return count
    }
    func number(_ key: String) throws(TrainingError) -> Double {
      guard let value = json[key], !value.isNull else { return 0 }
      guard let number = value.doubleValue, number.isFinite else { throw fault(key, "a finite number") }
      return number
    }
    guard let step = json["global_step"]?.intValue, step >= 0, step <= totalSteps else {
      throw fault("global_step", "a number of updates, at most the \(totalSteps) of the plan")
    }
    globalStep = step
    epoch = try number("epoch")
    bestMetric = json["best_metric"]?.doubleValue
    bestStep =
      json["best_global_step"].flatMap { $0.isNull ? nil : $0 } == nil
      ? nil : try count("best_global_step", upTo: step)
    if let name = json["best_model_checkpoint"], !name.isNull {
      // Of `transformers` it would be a path; only a checkpoint of the run folder itself is followed.
      guard let text = name.stringValue, let best = bestStep, text == CheckpointFolder.name(step: best) else {
        throw fault("best_model_checkpoint", "the name of the checkpoint of best_global_step, without a path")
      }
      bestCheckpoint = text
    }
    evaluationsWithoutGain = try count("early_stopping_patience_counter", upTo: step)
    if let value = json["lr_scheduler"], !value.isNull {
      guard let state = PlateauSchedule.State(json: value, upTo: step) else {
        throw fault("lr_scheduler", "counts of evaluations, at most \(step)")
      }
      plateau = state
    }
    logHistory = json["log_history"]?.arrayValue ?? []
    lossSum = try number("loss_sum")
    skippedSteps = try count("skipped_steps", upTo: step)
    skippedInARow = try count("skipped_steps_in_a_row", upTo: skippedSteps)
    epochsAtChance = try count("epochs_at_chance", upTo: step)
    // Sums of a run that never ends stay exact as far as a Double counts.
    examplesSeen = try count("examples_seen", upTo: 1 << 53)
    tokensSeen = try count("num_input_tokens_seen", upTo: 1 << 53)
    trainSeconds = try number("train_runtime")
    window = LossWindow(json: json["loss_window"] ?? .null)
    guard trainSeconds >= 0 else { throw fault("train_runtime", "at least 0") }
    guard window.isPlausible(upTo: step) else {
      throw fault("loss_window", "sums over at most \(step) updates")
    }
  }

  /// Counts an evaluation for early stopping, before `bestMetric` takes its value; one without a finite value is no gain.
  mutating func noteGain(of value: Double?, _ config: TrainingConfig) {
    let gain = value.map { value in
      bestMetric.map { config.moreIsBetter ? value - $0 : $0 - value } ?? .infinity
    }
    let isGain = (value?.isFinite ?? false) && (gain ?? 0) > config.earlyStoppingThreshold
    evaluationsWithoutGain = isGain ? 0 : evaluationsWithoutGain + 1
  }
}

/// Sums over the updates since the last log line, kept in checkpoints so that a resumed run logs the same means.
struct LossWindow: Equatable {
  private(set) var steps = 0
  private(set) var lossSum = 0.0
  private(set) var parts: [Part] = []
  private(set) var examples = 0
  private(set) var tokens = 0
  /// Seconds of these updates.
  private(set) var seconds = 0.0

  /// A part of the loss; where updates are of different tasks, each has parts of its own.
  struct Part: Equatable {
    let name: String
    var sum: Double
    /// The updates that had it.
    var steps: Int

    /// The mean over the updates that had it.
    var mean: Double { steps == 0 ? 0 : sum / Double(steps) }
  }

  /// Adds an update; one that was left out counts in time and rows alone.
  mutating func add(_ result: StepResult, seconds: Double) {
    examples += result.examples
    tokens += result.tokens
    self.seconds += seconds
    if result.fault != nil { return }
    steps += 1
    lossSum += result.loss
    for part in result.parts {
      if let index = parts.firstIndex(where: { $0.name == part.name }) {
        parts[index].sum += part.value
        parts[index].steps += 1
      } else {
        parts.append(Part(name: part.name, sum: part.value, steps: 1))
      }
    }
  }

  /// Whether these can be the sums over some of so many updates.
  func isPlausible(upTo limit: Int) -> Bool {
    (0...limit).contains(steps) && (0...(1 << 53)).contains(examples) && (0...(1 << 53)).contains(tokens)
      && seconds.isFinite && seconds >= 0 && parts.allSatisfy { (0...limit).contains($0.steps) }
  }

  /// The mean of a sum over the window's updates.
  func mean(_ sum: Double) -> Double { steps == 0 ? 0 : sum / Double(steps) }

  var json: JSONValue {
    var sums = JSONObject()
    var counts = JSONObject()
    for part in parts {
      sums[part.name] = .double(part.sum)
      counts[part.name] = .integer(part.steps)
    }
    return [
      "steps": .integer(steps), "loss_sum": .double(lossSum), "part_sums": .object(sums),
      "part_steps": .object(counts),
      "examples": .integer(examples), "tokens": .integer(tokens), "seconds": .double(seconds),
    ]
  }

  init() {}

  init(json: JSONValue) {
    steps = json["steps"]?.intValue ?? 0
    lossSum = json["loss_sum"]?.doubleValue ?? 0
    examples = json["examples"]?.intValue ?? 0
    tokens = json["tokens"]?.intValue ?? 0
    seconds = json["seconds"]?.doubleValue ?? 0
    for (name, value) in json["part_sums"]?.objectValue ?? JSONObject() {
      parts.append(
        Part(name: name, sum: value.doubleValue ?? 0, steps: json["part_steps"]?[name]?.intValue ?? steps))
    }
  }
}

/// Result of one update, before it is folded into logs.
struct StepResult {
  /// The mean loss over the update's examples; NaN where it was left out.
  let loss: Double
  /// The parts of the loss, averaged alike.
  let parts: [(name: String, value: Double)]
  let gradientNorm: Double
  let learningRate: Double
  let examples: Int
  let tokens: Int
  /// The numbers for which the update was left out; nil for one that was made.
  let fault: NonFiniteStep?
}
