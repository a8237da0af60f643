import ModelFormats

/// Exact match and F1 as SQuAD's official evaluate-v1.1.py reports them.
public struct SquadScores: Sendable {
  /// The part of questions whose prediction equals an accepted answer after normalisation, in percent.
  public let exactMatch: Double
  /// The mean over questions of the best token F1 against an accepted answer, in percent.
  public let f1: Double
  /// The number of questions.
  public let total: Int
  /// The ids of the questions without a prediction, in the order of the key; each counts 0.
  public let missing: [String]

  /// Scores predictions.
  ///
  /// - Parameters:
  ///   - predictions: the predicted text by question id; ids that are no question's are ignored.
  ///   - questions: the answer key; each question has at least one answer.
  ///
  /// Throws `EvaluationError` when there are no questions, and for a question without answers that has a prediction.
  public init(predictions: [String: String], questions: [GoldQuestion]) throws(EvaluationError) {
    if questions.isEmpty { throw .nothingLabelled(count: 0) }
    var exact = 0
    var f1 = 0.0
    var missing: [String] = []
    for question in questions {
      guard let text = predictions[question.id] else {
        missing.append(question.id)
        continue
      }
      if question.answers.isEmpty { throw .unansweredKey(id: question.id) }
      let prediction = NormalizedAnswer(text)
      let answers = question.answers.map(NormalizedAnswer.init)
      if answers.contains(prediction) { exact += 1 }
      f1 += answers.reduce(0) { max($0, $1.f1(predicted: prediction)) }
    }
    total = questions.count
    exactMatch = 100 * Double(exact) / Double(total)
    self.f1 = 100 * f1 / Double(total)
    self.missing = missing
  }

  /// The script's output: `exact_match` and `f1`.
  public var json: JSONObject {
    var object = JSONObject()
    object["exact_match"] = .double(exactMatch)
    object["f1"] = .double(f1)
    return object
  }

  /// What the script says of the questions without a prediction, a line each.
  public var warnings: [String] { missing.map { "Unanswered question \($0) will receive score 0." } }
}
