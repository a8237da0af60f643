/// What a task asks of a model; the recipe's `kind`.
public enum TaskKind: String, Codable, Sendable, CaseIterable {
  /// One label for one text, or for a pair of texts when `text_pair_column` is given.
  case classification
  /// One label for two texts; like `classification`, and `text_pair_column` is required.
  case pair
  /// One number for a text or a pair (STS-B).
  case regression
  /// Any number of labels for a text.
  case multiLabel = "multi_label"
  /// One label for each word (named entities).
  case tokenClassification = "token_classification"
  /// A span of a passage that answers a question (SQuAD, CMRC 2018).
  case questionAnswering = "question_answering"
  /// Masked-token prediction on plain text.
  case maskedLanguageModel = "masked_lm"

  /// The names of the metrics that score the kind, as the official scripts spell them; the first is the usual one.
  public var knownMetrics: [String] {
    switch self {
    case .classification, .pair: ["accuracy", "f1", "f1_macro", "f1_micro", "matthews_correlation"]
    case .regression: ["pearson", "spearmanr", "combined_score", "mse", "mae"]
    case .multiLabel: ["f1_micro", "f1_macro", "accuracy"]
    case .tokenClassification: ["overall_f1", "overall_precision", "overall_recall", "overall_accuracy"]
    case .questionAnswering: AnswerScript.allMetrics
    case .maskedLanguageModel: ["perplexity", "accuracy"]
    }
  }

  /// Whether a task of the kind names its labels (entity types for token classification).
  public var hasLabels: Bool {
    switch self {
    case .classification, .pair, .multiLabel, .tokenClassification: true
    case .regression, .questionAnswering, .maskedLanguageModel: false
    }
  }

  /// The formats its files can have, the usual one first.
  var formats: [DataFormat] {
    switch self {
    case .classification, .pair, .regression, .multiLabel: [.tsv, .csv, .jsonl, .text]
    case .tokenClassification: [.conll, .jsonl]
    case .questionAnswering: [.squad, .jsonl]
    case .maskedLanguageModel: [.text]
    }
  }

  /// Whether its rows are texts with columns, rather than sentences, passages or running text.
  var hasTextRows: Bool { formats.contains(.tsv) }
}
