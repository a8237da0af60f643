/// Scores of predicted numbers by the metric names of a task.
public enum RegressionMetrics {
  /// The scores in the order of their names.
  ///
  /// - Parameters:
  ///   - names: such as `pearson`, `spearmanr`.
  ///   - predictions: the predicted numbers [N].
  ///   - labels: the true numbers [N]; a NaN (no label) is left out.
  ///
  /// Throws `EvaluationError` for a name that is not known and when too few examples have a label.
  public static func compute(
    _ names: [String], predictions: [Double], labels: [Double]
  ) throws(EvaluationError) -> [(name: String, value: Double)] {
    let kept = labels.indices.filter { !labels[$0].isNaN }
    if kept.isEmpty { throw .nothingLabelled(count: labels.count) }
    let (predictions, labels) = (kept.map { predictions[$0] }, kept.map { labels[$0] })
    var scores: [(name: String, value: Double)] = []
    for name in names {
      guard let metric = RegressionMetric(rawValue: name) else {
        throw .unknownMetric(name, known: RegressionMetric.allCases.map(\.rawValue))
      }
      scores.append((name, try metric.value(predictions: predictions, labels: labels)))
    }
    return scores
  }
}
