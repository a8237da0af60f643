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
