import Foundation
import ModelFormats

/// Where a run stands beside its weights and optimizer state: the content of `trainer_state.json`.
///
/// Nothing random is in it: every random stream is a function of seed, step and micro-batch.
struct TrainerState: Equatable {
  var globalStep = 0
  var epoch = 0.0
  var bestMetric: Double?
  var bestStep: Int?
  /// The folder name of the best checkpoint, relative to the run folder.
  var bestCheckpoint: String?
  /// The evaluations since the last one that beat the best value before it by more than the threshold.
  var evaluationsWithoutGain = 0
  /// The lines of the log so far.
  var logHistory: [JSONValue] = []
  var lossSum = 0.0
  var examplesSeen = 0
  var tokensSeen = 0
  var trainSeconds = 0.0
  var window = LossWindow()

  /// The file's name inside a checkpoint.
  static let fileName = "trainer_state.json"

  /// The state with the settings of its run, keys as `transformers` names them where it has the thing.
  func json(config: TrainingConfig, maxSteps: Int) throws -> JSONValue {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys]
    let settings = try JSONValue(parsing: [UInt8](encoder.encode(config)), file: "training settings")
    var object = JSONObject()
    object["best_global_step"] = bestStep.map { .integer($0) } ?? .null
    object["best_metric"] = bestMetric.map { .double($0) } ?? .null
    object["best_model_checkpoint"] = bestCheckpoint.map { .string($0) } ?? .null
    object["early_stopping_patience_counter"] = .integer(evaluationsWithoutGain)
    object["epoch"] = .double(epoch)
    object["examples_seen"] = .integer(examplesSeen)
    object["global_step"] = .integer(globalStep)
    object["log_history"] = .array(logHistory)
    object["loss_sum"] = .double(lossSum)
    object["loss_window"] = window.json
    object["max_steps"] = .integer(maxSteps)
    object["num_input_tokens_seen"] = .integer(tokensSeen)
    object["num_train_epochs"] = .double(config.numTrainEpochs)
    object["train_batch_size"] = .integer(config.perDeviceTrainBatchSize)
    object["train_runtime"] = .double(trainSeconds)
    object["training_config"] = settings
    return .object(object)
  }

  init() {}

  /// Reads a state file.
  init(contentsOf url: URL) throws(TrainingError) {
    let json: JSONValue
    do { json = try JSONValue(contentsOf: url) } catch {
      throw .checkpoint(path: url.path, problem: "\(error)")
    }
    guard let step = json["global_step"]?.intValue, step >= 0 else {
      throw .checkpoint(
        path: url.path,
        problem:
          "global_step is \(json["global_step"]?.compactText ?? "missing"); expected a number of updates")
    }
    globalStep = step
    epoch = json["epoch"]?.doubleValue ?? 0
    bestMetric = json["best_metric"]?.doubleValue
    bestStep = json["best_global_step"]?.intValue
    bestCheckpoint = json["best_model_checkpoint"]?.stringValue
    evaluationsWithoutGain = json["early_stopping_patience_counter"]?.intValue ?? 0
    logHistory = json["log_history"]?.arrayValue ?? []
    lossSum = json["loss_sum"]?.doubleValue ?? 0
    examplesSeen = json["examples_seen"]?.intValue ?? 0
    tokensSeen = json["num_input_tokens_seen"]?.intValue ?? 0
    trainSeconds = json["train_runtime"]?.doubleValue ?? 0
    window = LossWindow(json: json["loss_window"] ?? .null)
  }

  /// Counts an evaluation for early stopping, before `bestMetric` takes its value; one without a finite value is no gain.
  mutating func noteGain(of value: Double?, _ config: TrainingConfig) {
    let gain = value.map { value in
      bestMetric.map { config.moreIsBetter ? value - $0 : $0 - value } ?? .infinity
    }
    let isGain = (value?.isFinite ?? false) && (gain ?? 0) > config.earlyStoppingThreshold
    evaluationsWithoutGain = isGain ? 0 : evaluationsWithoutGain + 1
  }

  /// The settings under which a state file was written that change what a resumed run computes, with both values.
  static func differences(in url: URL, from config: TrainingConfig) -> [String] {
    let encoder = JSONEncoder()
    guard let data = try? encoder.encode(config), let now = try? JSONValue(parsing: [UInt8](data)),
      let then = (try? JSONValue(contentsOf: url))?["training_config"]?.objectValue
    else { return [] }
    let harmless: Set = [
      "logging_steps", "logging_first_step", "save_strategy", "save_steps", "save_total_limit",
      "eval_strategy",
      "eval_steps", "per_device_eval_batch_size", "early_stopping_patience", "early_stopping_threshold",
    ]
    return then.compactMap { key, value in
      guard !harmless.contains(key), let current = now[key], current.compactText != value.compactText else {
        return nil
      }
      return "\(key) was \(value.compactText), is \(current.compactText)"
    }
  }
}
