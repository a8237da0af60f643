/// Score of a model under the name of its metric, as the official scripts and `eval_results.json` spell it.
public struct Score: Sendable, Equatable, Codable {
  /// Name of the metric, such as `accuracy`.
  public let name: String
  /// Value, on the scale of the metric's script.
  public let value: Double

  /// A score.
  public init(_ name: String, _ value: Double) { (self.name, self.value) = (name, value) }
}

/// Error of scoring.
public enum EvaluationError: Error, Sendable, Equatable, CustomStringConvertible {
  /// A metric name that the kind of task does not know.
  case unknownMetric(String, known: [String])
  /// No example has a label, so there is nothing to score.
  case nothingLabelled(count: Int)
  /// Correlations need at least two pairs of numbers.
  case tooFewNumbers(metric: String, count: Int)
  /// A question of the answer key has no answer although its data set promises one.
  case unansweredKey(id: String)
  /// A question has no entry among the no-answer probabilities (null odds).
  case missingNoAnswerProbability(id: String)
  /// Predicted and true tags do not pair up; sentence and counts are those of the first difference, from 0.
  case unequalTags(sentence: Int, predicted: Int, expected: Int)
  /// A tag that the scheme does not know; sentence and token count from 0.
  case invalidTag(String, sentence: Int, token: Int, scheme: TagScheme?)
  /// The true tags fit none of the schemes that can be told by their prefixes.
  case undetectableScheme(prefixes: String)

  /// The message: what was found, what was expected.
  public var description: String {
    switch self {
    case .unknownMetric(let name, let known):
      "The metric \"\(name)\" is not known; known are \(known.joined(separator: ", "))."
    case .nothingLabelled(let count):
      "None of the \(count) examples has a label, so there is nothing to score; use predict for unlabelled text."
    case .tooFewNumbers(let metric, let count):
      "\(metric) needs at least 2 pairs of numbers, found \(count)."
    case .unansweredKey(let id):
      "The question \"\(id)\" has no answers in the gold file, expected at least one; score data with unanswerable "
        + "questions as squad_v2."
    case .missingNoAnswerProbability(let id):
      "The no-answer probabilities have no entry for the question \"\(id)\", expected one for each prediction."
    case .unequalTags(let sentence, let predicted, let expected):
      "Sentence \(sentence + 1): found \(predicted) predicted tags, expected \(expected) as in the gold tags."
    case .invalidTag(let tag, let sentence, let token, let scheme):
      "Sentence \(sentence + 1), token \(token + 1): found the tag \"\(tag)\", expected "
        + (scheme.map { "a prefix of \($0.rawValue): \($0.prefixes)" } ?? "a tag such as O or B-PER") + "."
    case .undetectableScheme(let prefixes):
      "The prefixes \(prefixes) of the gold tags fit no single scheme; name one of "
        + TagScheme.allCases.map(\.rawValue).joined(separator: ", ") + "."
    }
  }
}
