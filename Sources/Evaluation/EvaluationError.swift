/// What can go wrong when predictions are scored.
public enum EvaluationError: Error, Sendable, Equatable, CustomStringConvertible {
  /// A metric name that is not known.
  case unknownMetric(String)
  /// No example has a label, so there is nothing to score.
  case nothingLabelled(count: Int)

  /// The message: what was found, what was expected.
  public var description: String {
    switch self {
    case .unknownMetric(let name):
      "The metric \"\(name)\" is not known; known are "
        + ClassificationMetric.allCases.map(\.rawValue).joined(separator: ", ") + "."
    case .nothingLabelled(let count):
      "None of the \(count) examples has a label, so there is nothing to score; use predict for unlabelled text."
    }
  }
}
