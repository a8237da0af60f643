public import Encoders
public import TaskData

extension TaskKind {
  /// The head that answers a task of the kind.
  public var head: TaskHead {
    switch self {
    case .classification, .pair, .regression, .multiLabel: .sequenceClassification
    case .tokenClassification: .tokenClassification
    case .questionAnswering: .questionAnswering
    case .maskedLanguageModel: .maskedLanguageModel
    }
  }

  /// What the outputs of its head mean; nil where the head says so already.
  public var problemType: ProblemType? {
    switch self {
    case .classification, .pair: .singleLabel
    case .regression: .regression
    case .multiLabel: .multiLabel
    case .tokenClassification, .questionAnswering, .maskedLanguageModel: nil
    }
  }
}

extension TaskDefinition {
  /// The labels of a model for this task; nil where the head has none of its own.
  public var modelLabels: [String]? {
    switch kind {
    case .classification, .pair, .multiLabel, .tokenClassification: outputLabels
    case .regression: ["LABEL_0"]
    case .questionAnswering, .maskedLanguageModel: nil
    }
  }
}
