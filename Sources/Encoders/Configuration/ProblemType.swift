/// What the outputs of a sequence head mean, by its name in `config.json` (`problem_type`); it decides the loss.
public enum ProblemType: String, Sendable, CaseIterable {
  /// The outputs are numbers; the loss is the mean squared error.
  case regression
  /// One class is right; the loss is the cross-entropy of a softmax.
  case singleLabel = "single_label_classification"
  /// Each label holds or not; the loss is the binary cross-entropy of each output's logistic function.
  case multiLabel = "multi_label_classification"
}
