import ModelFormats

/// Exact match and longest-common-substring F1 as the official cmrc2018_evaluate.py (version 6) reports them.
///
/// The script, of CMRC 2018 and used for DRCD too, cuts texts into Chinese characters and the words that nltk's
/// `word_tokenize` finds between them; here as in nltk 3.10.
public struct CMRCScores: Sendable {
  /// The mean over questions of the best F1 against an accepted answer, in percent.
  public let f1: Double
  /// The part of questions whose prediction equals an accepted answer, the script's punctuation apart, in percent.
  public let exactMatch: Double
  /// The number of questions.
  public let total: Int
  /// The ids of the questions without a prediction, in the order of the key; each counts 0.
  public let skipped: [String]

  /// The mean of exact match and F1.
  public var average: Double { (exactMatch + f1) * 0.5 }

  /// Scores predictions.
  ///
  /// - Parameters:
  ///   - predictions: the predicted text by question id; ids that are no question's are ignored.
  ///   - questions: the answer key; each question has at least one answer.
  ///
  /// Throws `EvaluationError` when there are no questions, and for a question without answers that has a prediction.
  public init(predictions: [String: String], questions: [GoldQuestion]) throws(EvaluationError) {
    if questions.isEmpty { throw .nothingLabelled(count: 0) }
    var f1 = 0.0
    var exact = 0
    var skipped: [String] = []
    for question in questions {
      guard let text = predictions[question.id] else {
        skipped.append(question.id)
        continue
      }
      if question.answers.isEmpty { throw .unansweredKey(id: question.id) }
      let prediction = SegmentedAnswer(text)
      let answers = question.answers.map(SegmentedAnswer.init)
      f1 += answers.reduce(0) { max($0, $1.f1(predicted: prediction)) }
      if answers.contains(where: { $0.text == prediction.text }) { exact += 1 }
    }
    total = questions.count
    self.f1 = 100 * f1 / Double(total)
    exactMatch = 100 * Double(exact) / Double(total)
    self.skipped = skipped
  }

  /// The script's output: `AVERAGE`, `F1`, `EM` (which it rounds to three decimals), `TOTAL`, `SKIP`.
  public var json: JSONObject {
    var object = JSONObject()
    object["AVERAGE"] = .double(average)
    object["F1"] = .double(f1)
    object["EM"] = .double(exactMatch)
    object["TOTAL"] = .integer(total)
    object["SKIP"] = .integer(skipped.count)
    return object
  }

  /// What the script says of the questions without a prediction, a line each.
  public var warnings: [String] { skipped.map { "Unanswered question: \($0)" } }
}
