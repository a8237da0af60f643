import ArgumentParser
import Evaluation

/// What `potstill score` was asked for: metrics that one kind of file can answer.
enum ScoreMetric: Equatable {
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
  init(_ names: [String], multiLabel: Bool) throws {
    guard let first = names.first else {
      throw ValidationError("--metric is missing; expected one of \(Self.names).")
    }
    for name in names where !Self.all.contains(name) {
      throw ValidationError("--metric \(name) is not known; expected one of \(Self.names).")
    }
    if multiLabel {
      let metrics = names.compactMap(MultiLabelMetric.init)
      guard metrics.count == names.count else {
        throw ValidationError(
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
      throw ValidationError("--metric \(names.joined(separator: ", ")): no file has values for all of these.")
    }
  }

  /// The names for help and messages.
  static var names: String { all.joined(separator: ", ") }

  private static let all: [String] =
    AnswerMetric.allCases.map(\.rawValue) + ["seqeval"] + ClassificationMetric.allCases.map(\.rawValue)
    + RegressionMetric.allCases.map(\.rawValue)
}
