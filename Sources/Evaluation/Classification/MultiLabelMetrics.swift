/// Scores of multi-label classification by the metric names of a task.
public enum MultiLabelMetrics {
  /// The scores in the order of their names; parameters as for `MultiLabelMetric.value`.
  ///
  /// Throws `EvaluationError` for a name that is not known and when there are no examples.
  public static func compute(
    _ names: [String], predictions: [Bool], labels: [Bool], classCount: Int
  ) throws(EvaluationError) -> [(name: String, value: Double)] {
    if labels.isEmpty { throw .nothingLabelled(count: 0) }
    var scores: [(name: String, value: Double)] = []
    for name in names {
      guard let metric = MultiLabelMetric(rawValue: name) else {
        throw .unknownMetric(name, known: MultiLabelMetric.allCases.map(\.rawValue))
      }
      scores.append(
        (name, metric.value(predictions: predictions, labels: labels, classCount: classCount)))
    }
    return scores
  }

  /// The classes whose probability is above one half: those with a positive logit.
  ///
  /// - Parameter logits: row-major [N, classCount].
  public static func predictions(logits: [Float]) -> [Bool] { logits.map { $0 > 0 } }
}
