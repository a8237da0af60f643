/// Scores of single-label classification by the metric names of a task.
public enum ClassificationMetrics {
  /// The scores in the order of their names.
  ///
  /// - Parameters:
  ///   - names: such as `accuracy`, `f1`, `f1_macro`, `f1_micro`, `matthews_correlation`.
  ///   - predictions: the predicted classes [N].
  ///   - labels: the true classes [N]; a negative one (-100) is left out.
  ///
  /// Throws `EvaluationError` for a name that is not known and when no example has a label.
  public static func compute<Class: BinaryInteger>(
    _ names: [String], predictions: [Class], labels: [Class]
  ) throws(EvaluationError) -> [(name: String, value: Double)] {
    let matrix = ConfusionMatrix(predictions: predictions, labels: labels)
    guard matrix.total > 0 else { throw .nothingLabelled(count: labels.count) }
    var scores: [(name: String, value: Double)] = []
    for name in names {
      guard let metric = ClassificationMetric(rawValue: name) else {
        throw .unknownMetric(name, known: ClassificationMetric.allCases.map(\.rawValue))
      }
      scores.append((name, metric.value(matrix)))
    }
    return scores
  }

  /// The mean of several scores, which Hugging Face reports as `combined_score`; nil for fewer than two.
  public static func combinedScore(_ scores: [(name: String, value: Double)]) -> Double? {
    scores.count > 1 ? scores.reduce(0) { $0 + $1.value } / Double(scores.count) : nil
  }

  /// The class with the highest logit of each row, the first of several equal ones.
  ///
  /// - Parameter logits: row-major [N, classCount].
  public static func predictions(logits: [Float], classCount: Int) -> [Int32] {
    precondition(
      classCount > 0 && logits.count.isMultiple(of: classCount),
      "\(logits.count) logits are not rows of \(classCount) classes.")
    return stride(from: 0, to: logits.count, by: classCount).map { start in
      var best = 0
      for index in 1..<classCount where logits[start + index] > logits[start + best] { best = index }
      return Int32(best)
    }
  }
}
