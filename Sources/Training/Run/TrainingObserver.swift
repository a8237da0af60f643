public import Evaluation
import Kernels
public import ModelFormats

/// Observer of a run, who may end it: a progress bar, a log, a stopping rule.
///
/// Every method has a default that does nothing; an error breaks the run off.
public protocol TrainingObserver: AnyObject {
  /// Reason to end the run after the update that was just reported, as a message says it; nil (the default) lets it go on.
  ///
  /// Asked after each of the calls below. The update is then treated as the run's last: it is logged, evaluated and saved
  /// as the settings say of the last, and the best weights are kept.
  var stopReason: String? { get }
  /// Whether the run shall be broken off after the update that was just reported: a checkpoint is written to go on from, and
  /// the run ends with `TrainingError.interrupted`; false by default.
  var isInterrupted: Bool { get }
  /// The run begins, or goes on after `startStep` updates.
  func started(totalSteps: Int, startStep: Int, totalEpochs: Double, examples: Int) throws
  /// An update is done.
  func stepDone(_ progress: TrainingProgress) throws
  /// A line of the log is due.
  func logged(_ entry: TrainingLogEntry) throws
  /// An evaluation begins.
  func evaluationStarted(step: Int) throws
  /// An evaluation is done; `isBest` tells whether it is the best so far.
  func evaluated(_ result: EvaluationResult, step: Int, epoch: Double, isBest: Bool) throws
  /// A message that a user may want to read.
  func message(_ text: String) throws
  /// A message that a user must read; by default it is passed on as a message.
  func warning(_ text: String) throws
  /// The run is over.
  func finished(_ summary: TrainingSummary) throws
}

extension TrainingObserver {
  /// No reason: the run goes on.
  public var stopReason: String? { nil }
  /// No: the run goes on.
  public var isInterrupted: Bool { false }
  /// Does nothing.
  public func started(totalSteps: Int, startStep: Int, totalEpochs: Double, examples: Int) throws {}
  /// Does nothing.
  public func stepDone(_ progress: TrainingProgress) throws {}
  /// Does nothing.
  public func logged(_ entry: TrainingLogEntry) throws {}
  /// Does nothing.
  public func evaluationStarted(step: Int) throws {}
  /// Does nothing.
  public func evaluated(_ result: EvaluationResult, step: Int, epoch: Double, isBest: Bool) throws {}
  /// Does nothing.
  public func message(_ text: String) throws {}
  /// Passes it on as a message.
  public func warning(_ text: String) throws { try message(text) }
  /// Does nothing.
  public func finished(_ summary: TrainingSummary) throws {}
}

/// Progress of a run after an update; made for progress bars.
public struct TrainingProgress: Sendable {
  /// The updates done.
  public let step: Int
  /// The updates of the whole run.
  public let totalSteps: Int
  /// The epochs done, with a fraction.
  public let epoch: Double
  /// The epochs of the whole run, with a fraction.
  public let totalEpochs: Double
  /// The mean loss of this update's examples; NaN where the update was left out.
  public let loss: Double
  /// The run's learning rate in this update.
  public let learningRate: Double
  /// The norm of all gradients together, before clipping.
  public let gradientNorm: Double
  /// The examples of this update.
  public let examples: Int
  /// The tokens of this update; none is padding.
  public let tokens: Int
  /// Examples a second since this process began to train, evaluations and checkpoints not counted.
  public let samplesPerSecond: Double
  /// Tokens a second, likewise.
  public let tokensPerSecond: Double
  /// The seconds that the remaining updates will take at this pace.
  public let secondsLeft: Double
}

/// Line of the training log: means over the updates since the line before.
public struct TrainingLogEntry: Sendable {
  /// The updates done.
  public let step: Int
  /// The epochs done, with a fraction.
  public let epoch: Double
  /// The mean loss; NaN where all of these updates were left out.
  public let loss: Double
  /// The mean of each part of the loss over the updates that had it, in the order they first appeared.
  public let parts: [(name: String, value: Double)]
  /// The run's learning rate in the last of these updates.
  public let learningRate: Double
  /// The gradient norm of the last of these updates, before clipping; not finite where that update was left out.
  public let gradientNorm: Double
  /// Examples a second.
  public let samplesPerSecond: Double
  /// Tokens a second; none is padding.
  public let tokensPerSecond: Double
  /// The updates of the run so far that were left out, since their losses or gradients were not finite.
  public let skippedSteps: Int

  /// The line of `metrics.jsonl`.
  public var json: JSONObject {
    var object = JSONObject()
    object["step"] = .integer(step)
    object["epoch"] = .double(epoch)
    // Where all of these updates were left out, there is no mean.
    if loss.isFinite { object["loss"] = .double(loss) }
    if !parts.isEmpty {
      var named = JSONObject()
      for part in parts { named[part.name] = .double(part.value) }
      object["parts"] = .object(named)
    }
    object["learning_rate"] = .double(learningRate)
    if gradientNorm.isFinite { object["grad_norm"] = .double(gradientNorm) }
    object["samples_per_second"] = .double(samplesPerSecond)
    object["tokens_per_second"] = .double(tokensPerSecond)
    if skippedSteps > 0 { object["skipped_steps"] = .integer(skippedSteps) }
    return object
  }
}

/// Result of an evaluation: the loss and named metrics, without the `eval_` prefix.
public struct EvaluationResult: Sendable {
  /// The mean loss over the examples that have a label; nil when there are none.
  public let loss: Double?
  /// Named metrics, such as `accuracy`, in the order they are shown.
  public let metrics: [Score]
  /// The number of examples.
  public let examples: Int
  /// The time it took, in seconds.
  public let runtime: Double

  /// A result; `runtime` is in seconds.
  public init(loss: Double?, metrics: [Score], examples: Int, runtime: Double) {
    self.loss = loss
    self.metrics = metrics
    self.examples = examples
    self.runtime = runtime
  }

  /// Doubt about the scores, for people: nil where the loss is finite, or there is none.
  public var doubt: String? {
    guard let loss, !loss.isFinite else { return nil }
    return
      "the loss of the evaluation is \(loss): some of the model's answers are no numbers, so its scores mean nothing. The weights "
      + "are too large ('potstill inspect' shows them); train again with a lower learning_rate or weight_decay"
  }

  /// The value under a name with `eval_` prefix, `eval_loss` included.
  public func value(_ prefixedName: String) -> Double? {
    if prefixedName == "eval_loss" { return loss }
    return metrics.first { "eval_" + $0.name == prefixedName }?.value
  }

  /// Names that `value` knows.
  public var names: [String] { (loss == nil ? [] : ["eval_loss"]) + metrics.map { "eval_" + $0.name } }

  /// The result as `eval_results.json` holds it: loss, metrics, `eval_runtime`, rate and `eval_samples`.
  public var json: JSONObject {
    var object = JSONObject()
    if let loss { object["eval_loss"] = .double(loss) }
    for metric in metrics { object["eval_" + metric.name] = .double(metric.value) }
    object["eval_runtime"] = .double(runtime)
    object["eval_samples"] = .integer(examples)
    object["eval_samples_per_second"] = .double(runtime > 0 ? Double(examples) / runtime : 0)
    return object
  }

  /// The line of `metrics.jsonl`.
  func line(step: Int, epoch: Double) -> JSONObject {
    var line = JSONObject()
    line["step"] = .integer(step)
    line["epoch"] = .double(epoch)
    for (key, value) in json { line[key] = value }
    return line
  }
}

/// Summary of a run.
public struct TrainingSummary: Sendable {
  /// The updates done, those before a resumption included.
  public let globalStep: Int
  /// The epochs done, with a fraction.
  public let epoch: Double
  /// The mean loss of all updates that were made.
  public let trainLoss: Double
  /// The seconds spent on updates, evaluations and checkpoints not counted; those before a resumption included.
  public let trainRuntime: Double
  /// The examples of the data set.
  public let exampleCount: Int
  /// The examples trained on, repetitions counted.
  public let examplesSeen: Int
  /// The tokens trained on, repetitions counted; none is padding.
  public let tokensSeen: Int
  /// The best value of the chosen metric, if there was an evaluation.
  public let bestMetric: Double?
  /// The update after which it was found.
  public let bestStep: Int?
  /// Whether the model now has the weights of `bestStep` rather than the last ones.
  public let holdsBestWeights: Bool
  /// Whether the run ended before its last planned update because an observer or the patience of the settings asked.
  public let stoppedEarly: Bool
  /// The updates that were left out, since their losses or gradients were not finite; among `globalStep`.
  public let skippedSteps: Int
  /// The epochs whose loss was no better than that of a guess.
  public let epochsAtChance: Int

  /// Examples a second.
  public var samplesPerSecond: Double { trainRuntime > 0 ? Double(examplesSeen) / trainRuntime : 0 }
  /// Tokens a second.
  public var tokensPerSecond: Double { trainRuntime > 0 ? Double(tokensSeen) / trainRuntime : 0 }

  /// The summary as `train_results.json` holds it (`stopped_early` only where it is true, `skipped_steps` and
  /// `epochs_at_chance` only where there are some), with this process's `peak_rss_mb` (2^20 bytes).
  public var json: JSONObject {
    var object = JSONObject()
    object["epoch"] = .double(epoch)
    object["num_input_tokens_seen"] = .integer(tokensSeen)
    object["train_loss"] = .double(trainLoss)
    object["train_runtime"] = .double(trainRuntime)
    object["train_samples"] = .integer(exampleCount)
    object["train_samples_per_second"] = .double(samplesPerSecond)
    object["train_steps"] = .integer(globalStep)
    object["train_steps_per_second"] = .double(trainRuntime > 0 ? Double(globalStep) / trainRuntime : 0)
    object["train_tokens_per_second"] = .double(tokensPerSecond)
    if stoppedEarly { object["stopped_early"] = true }
    if skippedSteps > 0 { object["skipped_steps"] = .integer(skippedSteps) }
    if epochsAtChance > 0 { object["epochs_at_chance"] = .integer(epochsAtChance) }
    let megabytes = Double(PeakMemory.residentBytes) / 1_048_576
    object["peak_rss_mb"] = .double((megabytes * 10).rounded() / 10)
    return object
  }
}
