import Kernels
public import ModelFormats

/// What a run came to.
public struct TrainingSummary: Sendable {
  /// The updates done, those before a resumption included.
  public let globalStep: Int
  /// The epochs done, with a fraction.
  public let epoch: Double
  /// The mean loss of all updates.
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

  /// Examples a second.
  public var samplesPerSecond: Double { trainRuntime > 0 ? Double(examplesSeen) / trainRuntime : 0 }
  /// Tokens a second.
  public var tokensPerSecond: Double { trainRuntime > 0 ? Double(tokensSeen) / trainRuntime : 0 }

  /// The summary as `train_results.json` holds it (`stopped_early` only where it is true), with this process's `peak_rss_mb` (2^20 bytes).
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
    let megabytes = Double(PeakMemory.residentBytes) / 1_048_576
    object["peak_rss_mb"] = .double((megabytes * 10).rounded() / 10)
    return object
  }
}
