/// When something happens during training, spelt as `transformers` spells `eval_strategy` and `save_strategy`.
public enum TrainingStrategy: String, Codable, CaseIterable, Sendable {
  /// Never.
  case never = "no"
  /// Every so many updates.
  case steps
  /// At the end of each epoch.
  case epoch
}
