import ModelFormats

/// Exact match and F1 over answerable and unanswerable questions as SQuAD's official evaluate-v2.0.py reports them.
///
/// Sums run from first to last in plain Float64, as Python's `sum` did before 3.12; later ones compensate and may differ
/// in the last digit. The script stops at a question without a prediction; here it counts 0 and is reported.
public struct SquadV2Scores: Sendable {
  /// Exact match and F1 of a set of questions.
  public struct Part: Sendable, Equatable {
    /// The part of questions whose prediction equals an accepted answer after normalisation, in percent.
    public let exact: Double
    /// The mean best token F1, in percent.
    public let f1: Double
    /// The number of questions.
    public let total: Int
  }

  /// The best score that a threshold on the no-answer probability could reach, and that threshold.
  public struct Best: Sendable, Equatable {
    /// The score in percent.
    public let score: Double
    /// The no-answer probability above which the empty answer is given.
    public let threshold: Double
  }

  /// All questions.
  public let overall: Part
  /// The questions that have an answer; nil when there are none.
  public let hasAnswer: Part?
  /// The questions that have none; nil when there are none.
  public let noAnswer: Part?
  /// The best exact match over all thresholds; nil without no-answer probabilities.
  public let bestExact: Best?
  /// The best F1 over all thresholds; nil without no-answer probabilities.
  public let bestF1: Best?
  /// The ids of the questions without a prediction, in the order of the key; each counts 0.
  public let missing: [String]

  /// Scores predictions.
  ///
  /// - Parameters:
  ///   - predictions: the predicted text by question id, "" for no answer; ids that are no question's are ignored.
  ///   - questions: the answer key; a question without answers is unanswerable. Of two questions with one id the
  ///     later counts, in the earlier one's place.
  ///   - noAnswerProbabilities: how sure the model is that a question has no answer (`na_prob.json`, or the score
  ///     differences of `null_odds.json`), in the order of the file, which decides between equal ones.
  ///   - noAnswerThreshold: the empty answer is scored where the probability is greater (the script's default is 1).
  ///
  /// Throws `EvaluationError` when there are no questions, and when a predicted question has no probability.
  public init(
    predictions: [String: String], questions: [GoldQuestion],
    noAnswerProbabilities: [(id: String, probability: Double)]? = nil, noAnswerThreshold: Double = 1
  ) throws(EvaluationError) {
    if questions.isEmpty { throw .nothingLabelled(count: 0) }
    let results = Self.results(predictions: predictions, questions: questions)
    var final = results
    if let noAnswerProbabilities {
      let probabilities = Dictionary(
        noAnswerProbabilities.map { ($0.id, $0.probability) }, uniquingKeysWith: { $1 })
      for index in final.indices where !final[index].isMissing {
        guard let probability = probabilities[final[index].id] else {
          throw .missingNoAnswerProbability(id: final[index].id)
        }
        if probability > noAnswerThreshold { final[index].becomeEmpty() }
      }
    }
    let (answerable, unanswerable) = (final.filter(\.hasAnswer), final.filter { !$0.hasAnswer })
    overall = Self.part(final)
    hasAnswer = answerable.isEmpty ? nil : Self.part(answerable)
    noAnswer = unanswerable.isEmpty ? nil : Self.part(unanswerable)
    bestExact = noAnswerProbabilities.map { Self.best(results, probabilities: $0) { $0.exact } }
    bestF1 = noAnswerProbabilities.map { Self.best(results, probabilities: $0) { $0.f1 } }
    missing = results.filter(\.isMissing).map(\.id)
  }

  /// The script's output: `exact`, `f1`, `total`, the same with `HasAns_` and `NoAns_`, and `best_exact`,
  /// `best_exact_thresh`, `best_f1`, `best_f1_thresh` where there are no-answer probabilities.
  public var json: JSONObject {
    var object = JSONObject()
    for (prefix, part) in [("", overall), ("HasAns_", hasAnswer), ("NoAns_", noAnswer)] {
      guard let part else { continue }
      object[prefix + "exact"] = .double(part.exact)
      object[prefix + "f1"] = .double(part.f1)
      object[prefix + "total"] = .integer(part.total)
    }
    for (name, best) in [("best_exact", bestExact), ("best_f1", bestF1)] {
      guard let best else { continue }
      object[name] = .double(best.score)
      object[name + "_thresh"] = .double(best.threshold)
    }
    return object
  }

  /// Warnings of the script about the questions without a prediction, a line each.
  public var warnings: [String] { missing.map { "Missing prediction for \($0)" } }
}

// MARK: - One question at a time

extension SquadV2Scores {
  private struct Result {
    let id: String
    let hasAnswer: Bool
    let predictsAnswer: Bool
    let isMissing: Bool
    var exact: Double
    var f1: Double

    /// Scores the empty answer instead.
    mutating func becomeEmpty() {
      exact = hasAnswer ? 0 : 1
      f1 = exact
    }
  }

  private static func results(predictions: [String: String], questions: [GoldQuestion]) -> [Result] {
    var results: [Result] = []
    results.reserveCapacity(questions.count)
    var places: [String: Int] = [:]
    places.reserveCapacity(questions.count)
    for question in questions {
      let result = result(of: question, prediction: predictions[question.id])
      if let place = places[question.id] {
        results[place] = result
      } else {
        places[question.id] = results.count
        results.append(result)
      }
    }
    return results
  }

  private static func result(of question: GoldQuestion, prediction text: String?) -> Result {
    var answers = question.answers.map(NormalizedAnswer.init).filter { !$0.text.isEmpty }
    if answers.isEmpty { answers = [NormalizedAnswer("")] }
    let prediction = text.map(NormalizedAnswer.init)
    let best = prediction.map { prediction in answers.reduce(0) { max($0, f1(prediction, answer: $1)) } }
    return Result(
      id: question.id, hasAnswer: !question.answers.isEmpty, predictsAnswer: text?.isEmpty == false,
      isMissing: text == nil, exact: prediction.map(answers.contains) == true ? 1 : 0, f1: best ?? 0)
  }

  /// F1 of two answers; where one side has no tokens, 1 when neither has.
  private static func f1(_ prediction: NormalizedAnswer, answer: NormalizedAnswer) -> Double {
    if prediction.tokens.isEmpty || answer.tokens.isEmpty {
      return prediction.tokens.isEmpty && answer.tokens.isEmpty ? 1 : 0
    }
    return answer.f1(predicted: prediction)
  }

  private static func part(_ results: [Result]) -> Part {
    let count = Double(results.count)
    return Part(
      exact: 100 * results.reduce(0) { $0 + $1.exact } / count,
      f1: 100 * results.reduce(0) { $0 + $1.f1 } / count, total: results.count)
  }

  /// Raises the threshold from below the lowest probability question by question, keeping the total so far: at first
  /// every answer is empty, then each question in turn gives its own.
  private static func best(
    _ results: [Result], probabilities: [(id: String, probability: Double)], score: (Result) -> Double
  ) -> Best {
    let places = Dictionary(results.indices.map { (results[$0].id, $0) }, uniquingKeysWith: { $1 })
    // Stable: equal probabilities keep the order of the file.
    let order = probabilities.indices.sorted {
      (probabilities[$0].probability, $0) < (probabilities[$1].probability, $1)
    }
    var current = Double(results.count { !$0.hasAnswer })
    var best = (score: current, threshold: 0.0)
    for index in order {
      guard let place = places[probabilities[index].id], !results[place].isMissing else { continue }
      let result = results[place]
      current += result.hasAnswer ? score(result) : result.predictsAnswer ? -1 : 0
      if current > best.score { best = (current, probabilities[index].probability) }
    }
    return Best(score: 100 * best.score / Double(results.count), threshold: best.threshold)
  }
}
