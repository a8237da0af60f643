import ModelFormats

extension TrainingStrategy: SettingValue {}
extension SaveStrategy: SettingValue {}
extension NonFinitePolicy: SettingValue {}

/// Strategy of when a model is evaluated during training, spelt as `transformers` spells `eval_strategy`.
public enum TrainingStrategy: String, Codable, CaseIterable, Sendable {
  /// Never.
  case never = "no"
  /// Every so many updates.
  case steps
  /// At the end of each epoch.
  case epoch
}

/// Strategy of when a checkpoint is written, spelt as `transformers` spells `save_strategy`.
public enum SaveStrategy: String, Codable, CaseIterable, Sendable {
  /// Never.
  case never = "no"
  /// Every so many updates.
  case steps
  /// At the end of each epoch, and at the end.
  case epoch
  /// By time: after a minute at least, and so seldom that checkpoints take at most a hundredth of a run.
  case auto
}

/// Policy for updates whose loss or gradients are NaN or infinite, the setting `on_nonfinite`.
public enum NonFinitePolicy: String, Codable, CaseIterable, Sendable {
  /// The run ends with an error; checkpoints from before stay.
  case stop
  /// The update is left out and counted, and the run goes on with the next.
  ///
  /// Weights, the optimizer's state with its counts of updates, and what the objective itself keeps stay as they were. The step
  /// counts all the same: its rows are behind, and the schedule of the learning rate moves on, so that every later step has the rows,
  /// the dropout and the rate that it would have had. After `TrainingLoop.mostSkippedInARow` updates in a row the run ends with an
  /// error, as it does at once where the weights themselves are not finite.
  case skip
}
