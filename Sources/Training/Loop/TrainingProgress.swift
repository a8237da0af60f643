/// Where a run stands after an update; made for progress bars.
public struct TrainingProgress: Sendable {
  /// The updates done.
  public let step: Int
  /// The updates of the whole run.
  public let totalSteps: Int
  /// The epochs done, with a fraction.
  public let epoch: Double
  /// The epochs of the whole run, with a fraction.
  public let totalEpochs: Double
  /// The mean loss of this update's examples.
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
