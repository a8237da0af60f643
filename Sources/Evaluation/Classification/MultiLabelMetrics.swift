/// Scores of multi-label classification by the metric names of a task.
public enum MultiLabelMetrics {
  /// The scores in the order of their names; parameters as for `MultiLabelMetric.value`.
  ///
  /// Throws `EvaluationError` for a name that is not known and when there are no examples.
  public static func compute(
    _ names: [String], predictions: [Bool], labels: [Bool], classCount: Int
  ) throws(EvaluationError) -> [Score] {
    if labels.isEmpty { throw .nothingLabelled(count: 0) }
    var scores: [Score] = []
    for name in names {
      guard let metric = MultiLabelMetric(rawValue: name) else {
        throw .unknownMetric(name, known: MultiLabelMetric.allCases.map(\.rawValue))
      }
      scores.append(
        Score(name, metric.value(predictions: predictions, labels: labels, classCount: classCount)))
    }
    return scores
  }

  /// The classes whose probability is above one half: those with a positive logit.
  ///
  /// - Parameter logits: row-major [N, classCount].
  public static func predictions(logits: [Float]) -> [Bool] { logits.map { $0 > 0 } }
}

/// A score of multi-label classification, named as `scikit-learn` and Hugging Face's `evaluate` name it.
public enum MultiLabelMetric: String, Sendable, CaseIterable, Codable {
  /// F1 over all decisions together: 2 TP / (2 TP + FP + FN).
  case microF1 = "f1_micro"
  /// The mean of the F1 of all classes; a class that neither occurs nor is predicted counts 0, as in `scikit-learn`.
  case macroF1 = "f1_macro"
  /// Subset accuracy: the part of examples whose whole set of labels is right.
  case accuracy

  /// The score of N sets of labels.
  ///
  /// - Parameters:
  ///   - predictions: whether each class is predicted, row-major [N, classCount].
  ///   - labels: whether each class is true, row-major [N, classCount].
  ///   - classCount: the number of classes, at least 1.
  public func value(predictions: [Bool], labels: [Bool], classCount: Int) -> Double {
    precondition(
      classCount > 0 && predictions.count == labels.count && labels.count.isMultiple(of: classCount),
      "\(predictions.count) predictions and \(labels.count) labels are not equal rows of \(classCount) classes."
    )
    if self == .accuracy {
      let rows = stride(from: 0, to: labels.count, by: classCount)
      let right = rows.count { labels[$0..<$0 + classCount] == predictions[$0..<$0 + classCount] }
      return Self.ratio(right, labels.count / classCount)
    }
    var both = [Int](repeating: 0, count: classCount)
    var either = [Int](repeating: 0, count: classCount)
    for (index, (prediction, label)) in zip(predictions, labels).enumerated() {
      let column = index % classCount
      if prediction && label { both[column] += 1 }
      either[column] += (prediction ? 1 : 0) + (label ? 1 : 0)
    }
    if self == .microF1 { return Self.ratio(2 * both.reduce(0, +), either.reduce(0, +)) }
    return zip(both, either).reduce(0) { $0 + Self.ratio(2 * $1.0, $1.1) } / Double(classCount)
  }

  private static func ratio(_ part: Int, _ whole: Int) -> Double {
    whole > 0 ? Double(part) / Double(whole) : 0
  }
}
