public import Evaluation

/// Metrics that one kind of file can answer.
public enum ScoreMetric: Equatable {
  /// Answers to questions.
  case answers(AnswerMetric)
  /// Entity tags.
  case entities
  /// Class labels.
  case labels([ClassificationMetric])
  /// Sets of labels.
  case labelSets([MultiLabelMetric])
  /// Numbers.
  case numbers([RegressionMetric])

  /// Sorts the names by kind; those that classes and sets of labels share are of sets when `multiLabel` says so.
  ///
  /// - Throws: `TaskError` for names that are not known, or that no file has values for.
  public init(_ names: [String], multiLabel: Bool) throws {
    guard let first = names.first else {
      throw TaskError("--metric is missing; expected one of \(Self.names).")
    }
    for name in names where !Self.all.contains(name) {
      throw TaskError("--metric \(name) is not known; expected one of \(Self.names).")
    }
    if multiLabel {
      let metrics = names.compactMap(MultiLabelMetric.init)
      guard metrics.count == names.count else {
        throw TaskError(
          "--multi-label scores \(MultiLabelMetric.allCases.map(\.rawValue).joined(separator: ", ")), "
            + "found --metric \(names.joined(separator: ", ")).")
      }
      self = .labelSets(metrics)
      return
    }
    let labels = names.compactMap(ClassificationMetric.init)
    let numbers = names.compactMap(RegressionMetric.init)
    if labels.count == names.count {
      self = .labels(labels)
    } else if numbers.count == names.count {
      self = .numbers(numbers)
    } else if names.count == 1 {
      self = AnswerMetric(rawValue: first).map(ScoreMetric.answers) ?? .entities
    } else {
      throw TaskError("--metric \(names.joined(separator: ", ")): no file has values for all of these.")
    }
  }

  /// The names for help and messages.
  public static var names: String { all.joined(separator: ", ") }

  private static let all: [String] =
    AnswerMetric.allCases.map(\.rawValue) + ["seqeval"] + ClassificationMetric.allCases.map(\.rawValue)
    + RegressionMetric.allCases.map(\.rawValue)
}
