import ModelFormats

/// A way of scoring answers to questions, named as Hugging Face's `evaluate` and the data sets name it.
public enum AnswerMetric: String, Sendable, CaseIterable, Codable {
  /// SQuAD 1.1: every question has an answer.
  case squad
  /// SQuAD 2.0: some questions have none.
  case squadV2 = "squad_v2"
  /// CMRC 2018.
  case cmrc2018
  /// DRCD, which is scored with CMRC 2018's script.
  case drcd

  /// The scores under the names of the official script, in its order, and its warnings.
  ///
  /// - Parameters:
  ///   - predictions: the predicted text by question id.
  ///   - questions: the answer key.
  ///   - noAnswerProbabilities: for SQuAD 2.0, as `SquadV2Scores` takes them; ignored otherwise.
  ///   - noAnswerThreshold: for SQuAD 2.0.
  ///
  /// Throws `EvaluationError`.
  public func score(
    predictions: [String: String], questions: [GoldQuestion],
    noAnswerProbabilities: [(id: String, probability: Double)]? = nil, noAnswerThreshold: Double = 1
  ) throws(EvaluationError) -> (scores: JSONObject, warnings: [String]) {
    switch self {
    case .squad:
      let scores = try SquadScores(predictions: predictions, questions: questions)
      return (scores.json, scores.warnings)
    case .squadV2:
      let scores = try SquadV2Scores(
        predictions: predictions, questions: questions, noAnswerProbabilities: noAnswerProbabilities,
        noAnswerThreshold: noAnswerThreshold)
      return (scores.json, scores.warnings)
    case .cmrc2018, .drcd:
      let scores = try CMRCScores(predictions: predictions, questions: questions)
      return (scores.json, scores.warnings)
    }
  }

  /// The names of the scores that decide between models, the first of them before the others.
  public var metricNames: [String] {
    switch self {
    case .squad: ["exact_match", "f1"]
    case .squadV2: ["exact", "f1"]
    case .cmrc2018, .drcd: ["AVERAGE", "F1", "EM"]
    }
  }
}

/// A question of an answer key.
public struct GoldQuestion: Sendable, Equatable {
  /// The question's id, under which predictions are filed.
  public let id: String
  /// The accepted answers; none for a question of SQuAD 2.0 that has no answer.
  public let answers: [String]

  /// A question with its accepted answers.
  public init(id: String, answers: [String]) {
    self.id = id
    self.answers = answers
  }
}
