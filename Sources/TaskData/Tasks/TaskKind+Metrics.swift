extension TaskKind {
  /// The metrics that a task of this kind may name; `Evaluation` computes them.
  public var knownMetrics: [String] {
    switch self {
    case .classification, .pair: ["accuracy", "f1", "f1_macro", "f1_micro", "matthews_correlation"]
    case .regression: ["pearson", "spearmanr", "mse", "mae"]
    case .multiLabel: ["f1_micro", "f1_macro", "accuracy"]
    case .tokenClassification: ["overall_f1", "overall_precision", "overall_recall", "overall_accuracy"]
    // Those of SQuAD 1.1, SQuAD 2.0 and CMRC 2018, each under its own script's names.
    case .questionAnswering: ["exact_match", "f1", "exact", "AVERAGE", "F1", "EM"]
    case .maskedLanguageModel: []
    }
  }
}
