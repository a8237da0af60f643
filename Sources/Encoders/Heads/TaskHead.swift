/// What a model answers: which head stands on its encoder.
public enum TaskHead: String, Sendable, CaseIterable {
  /// One row of logits a sequence: classes, a number, or labels that hold side by side (`ProblemType` tells which).
  case sequenceClassification
  /// One row of logits a token, such as named entities.
  case tokenClassification
  /// Two logits a token: the answer starts here, the answer ends here (Devlin and others 2019, section 4.2).
  case questionAnswering
  /// One logit for each word of the vocabulary, by a decoder that shares the word table.
  case maskedLanguageModel

  /// Whether logits come by token and not by sequence.
  public var readsTokens: Bool { self != .sequenceClassification }

  /// What the names of its classes in `transformers` end with.
  var classSuffix: String {
    switch self {
    case .sequenceClassification: "ForSequenceClassification"
    case .tokenClassification: "ForTokenClassification"
    case .questionAnswering: "ForQuestionAnswering"
    case .maskedLanguageModel: "ForMaskedLM"
    }
  }

  /// The head of a class of `transformers`, such as `BertForMaskedLM`; nil for a class that has none of these.
  init?(className: String) {
    guard let head = Self.allCases.first(where: { className.hasSuffix($0.classSuffix) }) else { return nil }
    self = head
  }
}

/// What the outputs of a sequence head mean, by its name in `config.json` (`problem_type`); it decides the loss.
public enum ProblemType: String, Sendable, CaseIterable {
  /// The outputs are numbers; the loss is the mean squared error.
  case regression
  /// One class is right; the loss is the cross-entropy of a softmax.
  case singleLabel = "single_label_classification"
  /// Each label holds or not; the loss is the binary cross-entropy of each output's logistic function.
  case multiLabel = "multi_label_classification"
}
