public import ModelFormats

/// One line of the training log: means over the updates since the line before.
public struct TrainingLogEntry: Sendable {
  /// The updates done.
  public let step: Int
  /// The epochs done, with a fraction.
  public let epoch: Double
  /// The mean loss.
  public let loss: Double
  /// The mean of each part of the loss over the updates that had it, in the order they first appeared.
  public let parts: [(name: String, value: Double)]
  /// The run's learning rate in the last of these updates.
  public let learningRate: Double
  /// The gradient norm of the last of these updates, before clipping.
  public let gradientNorm: Double
  /// Examples a second.
  public let samplesPerSecond: Double
  /// Tokens a second; none is padding.
  public let tokensPerSecond: Double

  /// The line of `metrics.jsonl`.
  public var json: JSONObject {
    var object = JSONObject()
    object["step"] = .integer(step)
    object["epoch"] = .double(epoch)
    object["loss"] = .double(loss)
    if !parts.isEmpty {
      var named = JSONObject()
      for part in parts { named[part.name] = .double(part.value) }
      object["parts"] = .object(named)
    }
    object["learning_rate"] = .double(learningRate)
    object["grad_norm"] = .double(gradientNorm)
    object["samples_per_second"] = .double(samplesPerSecond)
    object["tokens_per_second"] = .double(tokensPerSecond)
    return object
  }
}
