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
  ) throws(EvaluationError) -> [Score] {
    let matrix = ConfusionMatrix(predictions: predictions, labels: labels)
    guard matrix.total > 0 else { throw .nothingLabelled(count: labels.count) }
    var scores: [Score] = []
    for name in names {
      guard let metric = ClassificationMetric(rawValue: name) else {
        throw .unknownMetric(name, known: ClassificationMetric.allCases.map(\.rawValue))
      }
      scores.append(Score(name, metric.value(matrix)))
    }
    return scores
  }

  /// The mean of several scores, which Hugging Face reports as `combined_score`; nil for fewer than two.
  public static func combinedScore(_ scores: [Score]) -> Double? {
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

/// A score of single-label classification, named as `scikit-learn` and Hugging Face's `evaluate` name it.
public enum ClassificationMetric: String, Sendable, CaseIterable, Codable {
  /// The part of right predictions.
  case accuracy
  /// F1 of class 1, as GLUE scores MRPC and QQP.
  case f1
  /// The mean of the F1 of the classes that occur among labels or predictions.
  case macroF1 = "f1_macro"
  /// F1 over all decisions together, which for single labels equals accuracy.
  case microF1 = "f1_micro"
  /// Matthews' correlation coefficient in its form for K classes, as GLUE scores CoLA.
  case matthewsCorrelation = "matthews_correlation"

  /// The score of a table of counts; where `scikit-learn` would divide by zero it is 0, as there.
  public func value(_ matrix: ConfusionMatrix) -> Double {
    switch self {
    case .accuracy: return Self.ratio(matrix.correct, matrix.total)
    case .f1: return matrix.classCount > 1 ? Self.f1(matrix, of: 1) : 0
    case .macroF1:
      let occurring = (0..<matrix.classCount).filter {
        matrix.labelCount($0) + matrix.predictionCount($0) > 0
      }
      if occurring.isEmpty { return 0 }
      return occurring.reduce(0) { $0 + Self.f1(matrix, of: $1) } / Double(occurring.count)
    case .microF1: return Self.ratio(matrix.correct, matrix.total)
    case .matthewsCorrelation: return Self.matthews(matrix)
    }
  }

  /// F1 = 2 TP / (2 TP + FP + FN).
  private static func f1(_ matrix: ConfusionMatrix, of positive: Int) -> Double {
    ratio(
      2 * matrix[positive, predicted: positive],
      matrix.labelCount(positive) + matrix.predictionCount(positive))
  }

  /// Gorodkin's R_K (2004): the correlation of the one-hot labels and predictions; in `scikit-learn`'s order of operations,
  /// so that the last digit is the same.
  private static func matthews(_ matrix: ConfusionMatrix) -> Double {
    let total = Double(matrix.total)
    var labelsAndPredictions = 0.0
    var labelsSquared = 0.0
    var predictionsSquared = 0.0
    for index in 0..<matrix.classCount {
      let labels = Double(matrix.labelCount(index))
      let predictions = Double(matrix.predictionCount(index))
      labelsAndPredictions += labels * predictions
      labelsSquared += labels * labels
      predictionsSquared += predictions * predictions
    }
    let covariance = Double(matrix.correct) * total - labelsAndPredictions
    let spread = (total * total - predictionsSquared) * (total * total - labelsSquared)
    return spread == 0 ? 0 : covariance / spread.squareRoot()
  }

  private static func ratio(_ part: Int, _ whole: Int) -> Double {
    whole > 0 ? Double(part) / Double(whole) : 0
  }
}

/// Confusion matrix, how often each class was predicted for each class: the one table from which all classification
/// scores follow.
public struct ConfusionMatrix: Sendable, Hashable {
  /// The number of classes, K.
  public let classCount: Int
  /// Row-major counts [K, K]: the row is the true class, the column the predicted one.
  public private(set) var counts: [Int]

  /// Counts predictions; pairs whose label is negative (-100: no label) are left out.
  ///
  /// - Parameters:
  ///   - predictions: the predicted classes [N], 0 ..< K.
  ///   - labels: the true classes [N], 0 ..< K, or negative.
  ///   - classCount: K; nil takes the largest class that occurs.
  public init<Class: BinaryInteger>(predictions: [Class], labels: [Class], classCount: Int? = nil) {
    precondition(
      predictions.count == labels.count,
      "Scores need one prediction for each label, found \(predictions.count) predictions and "
        + "\(labels.count) labels.")
    let largest = max(predictions.max() ?? -1, labels.max() ?? -1)
    let classCount = max(classCount ?? 0, Int(largest) + 1)
    self.classCount = classCount
    counts = [Int](repeating: 0, count: classCount * classCount)
    for (prediction, label) in zip(predictions, labels) where label >= 0 {
      precondition(prediction >= 0, "A prediction is the index of a class, found \(prediction).")
      counts[Int(label) * classCount + Int(prediction)] += 1
    }
  }

  /// The number of times that `predicted` was predicted where `label` was true.
  public subscript(label: Int, predicted predicted: Int) -> Int { counts[label * classCount + predicted] }

  /// The number of labelled examples.
  public var total: Int { counts.reduce(0, +) }

  /// The number of right predictions.
  public var correct: Int { (0..<classCount).reduce(0) { $0 + self[$1, predicted: $1] } }

  /// The number of times that a class is true (its support).
  public func labelCount(_ label: Int) -> Int {
    (0..<classCount).reduce(0) { $0 + self[label, predicted: $1] }
  }

  /// The number of times that a class is predicted.
  public func predictionCount(_ predicted: Int) -> Int {
    (0..<classCount).reduce(0) { $0 + self[$1, predicted: predicted] }
  }
}
