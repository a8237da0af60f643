import Evaluation
import ModelFormats
import Tasks

/// Answer of a model to a row, as a line of `eval_predictions.jsonl` has it.
struct RowAnswer {
  /// Label, labels, tags or the text of an answer; empty of a number.
  var texts: [String] = []
  /// Number that is the answer.
  var value = 0.0
  /// Probability of the answer, 0 to 1.
  var probability: Double?
  /// The probability of each label of the task, or of each tag; empty where it is not known.
  var probabilities: [Double] = []
  /// Range of the answer in its passage, in Unicode scalars.
  var range: Range<Int>?
}

/// Row that a model was scored on, with its true answer and those of the student and of the teacher.
struct EvaluatedRow {
  /// Form of its answers.
  let form: RunFacts.AnswerForm
  /// The number of the row in its file, or its place.
  let index: Int
  /// The text, the question, or nothing where it has words.
  let text: String
  /// The second text, or the passage of a question.
  let pair: String?
  /// The words of a sentence.
  let words: [String]
  /// Label, labels, tags or accepted answers that are true; nil of a number and where nothing is known.
  let gold: [String]?
  /// Number that is true.
  let goldValue: Double?
  /// The student's answer.
  let student: RowAnswer
  /// The teacher's answer, of several the first one's; nil where it is not known.
  let teacher: RowAnswer?
  /// The answers of further teachers in their order; nil where one is not known.
  let others: [RowAnswer?]

  /// The row of a line.
  ///
  /// - Parameters:
  ///   - place: The place among the rows, counted from 0.
  ///   - form: The form of answers.
  ///   - labels: The task's labels.
  ///   - teachers: The number of teachers.
  /// - Throws: `FormatError` with file, line and member.
  init(
    _ line: RowReader.Line, at place: Int, form: RunFacts.AnswerForm, labels: [String], teachers: Int
  ) throws(FormatError) {
    self.form = form
    index = line.object["index"]?.intValue ?? place
    func answer(_ prefix: String) throws(FormatError) -> RowAnswer? {
      guard let found = line.object[prefix + "prediction"], !found.isNull else { return nil }
      return try Self.answer(line, prefix, form, labels)
    }
    guard let own = try answer("") else { throw line.fault("prediction", "is missing") }
    (student, teacher) = (own, try answer(TaskEvaluation.prefix(ofTeacher: 0)))
    var others: [RowAnswer?] = []
    for place in stride(from: 1, to: teachers, by: 1) {
      others.append(try answer(TaskEvaluation.prefix(ofTeacher: place)))
    }
    self.others = others
    var value: Double?
    switch form {
    case .labels:
      (text, pair, words) = (try line.text("text"), line.object["text_pair"]?.stringValue, [])
      gold = line.object["label"].flatMap { $0.stringValue.map { [$0] } }
    case .values:
      (text, pair, words) = (try line.text("text"), line.object["text_pair"]?.stringValue, [])
      (gold, value) = (nil, line.object["label"]?.doubleValue)
    case .labelSets:
      (text, pair, words) = (try line.text("text"), line.object["text_pair"]?.stringValue, [])
      gold = try line.texts("label")
    case .tags:
      guard let tokens = try line.texts("tokens") else { throw line.fault("tokens", "is missing") }
      (text, pair, words, gold) = ("", nil, tokens, try line.texts("label"))
      let answers = ([teacher] + others).enumerated().map {
        (TaskEvaluation.prefix(ofTeacher: $0) + "prediction", $1?.texts)
      }
      for (name, tags) in [("label", gold), ("prediction", own.texts)] + answers {
        guard let tags else { continue }
        guard tags.count == tokens.count, !tags.contains("") else {
          throw line.fault(name, "found \(tags.count) tags, expected one for each of \(tokens.count) tokens")
        }
      }
    case .answers:
      (text, pair, words) = (try line.text("question"), try line.text("context"), [])
      gold = try line.texts("label")
    }
    goldValue = value
  }

  private static func answer(
    _ line: RowReader.Line, _ prefix: String, _ form: RunFacts.AnswerForm, _ labels: [String]
  ) throws(FormatError) -> RowAnswer {
    var answer = RowAnswer()
    let name = prefix + "prediction"
    switch form {
    case .labels, .answers:
      answer.texts = [try line.text(name)]
      answer.probability = try line.probability(prefix + "probability")
    case .labelSets, .tags: answer.texts = try line.texts(name) ?? []
    case .values:
      guard let value = line.object[name]?.doubleValue, value.isFinite else {
        throw line.fault(name, "found \(line.object[name]?.kind ?? "nothing"), expected a number")
      }
      answer.value = value
    }
    let all = line.object[prefix + "probabilities"]
    if let object = all?.objectValue {
      let found = labels.compactMap { object[$0]?.doubleValue }
      if found.count == labels.count { answer.probabilities = found }
    } else if let list = all?.arrayValue {
      let found = list.compactMap(\.doubleValue)
      guard found.count == answer.texts.count else {
        throw line.fault(prefix + "probabilities", "expected one for each of \(answer.texts.count) tags")
      }
      answer.probabilities = found
    }
    if let start = line.object[prefix + "start"]?.intValue, let end = line.object[prefix + "end"]?.intValue,
      start >= 0, end >= start
    {
      answer.range = start..<end
    }
    return answer
  }
}

/// Part of a score that a row has: scores of several rows are the sum of the shares over the sum of the weights.
struct Tally {
  /// The sum of the shares.
  var sum = 0.0
  /// The sum of the weights.
  var weight = 0.0

  /// The score; nil where nothing was counted.
  var score: Double? { weight > 0 ? sum / weight : nil }

  static func += (total: inout Tally, part: Tally) {
    total.sum += part.sum
    total.weight += part.weight
  }
}

/// Scorer of single rows: what a row adds to a score of many, whether its answer is right, and how far two answers differ.
///
/// Labels are scored by accuracy, sets of labels and entities by micro F1, answers by the F1 of their script, numbers by the
/// mean absolute error.
struct RowScorer {
  /// The script of answers to questions.
  let script: AnswerMetric
  /// The task's labels.
  let labels: [String]

  /// Share of the score of an answer; nil where the true answer is not known.
  func tally(_ answer: RowAnswer, to row: EvaluatedRow) -> Tally? {
    if let truth = row.goldValue { return Tally(sum: abs(answer.value - truth), weight: 1) }
    guard let gold = row.gold else { return nil }
    switch row.form {
    case .labels: return Tally(sum: answer.texts == gold ? 1 : 0, weight: 1)
    case .labelSets:
      return Tally(
        sum: 2 * Double(Set(gold).intersection(answer.texts).count),
        weight: Double(Set(gold).count + Set(answer.texts).count))
    case .tags:
      let (own, true_) = (Set(Entity.lenient(answer.texts)), Set(Entity.lenient(gold)))
      return Tally(sum: 2 * Double(own.intersection(true_).count), weight: Double(own.count + true_.count))
    case .answers:
      let text = answer.texts.first ?? ""
      return Tally(
        sum: gold.isEmpty ? (text.isEmpty ? 1 : 0) : gold.map { f1(text, $0) }.max() ?? 0, weight: 1)
    case .values: return nil
    }
  }

  /// Whether an answer is right; nil of numbers, and where the true answer is not known.
  func isRight(_ answer: RowAnswer, to row: EvaluatedRow) -> Bool? {
    guard let gold = row.gold else { return nil }
    switch row.form {
    case .labels: return answer.texts == gold
    case .labelSets: return Set(answer.texts) == Set(gold)
    case .tags: return Entity.lenient(answer.texts) == Entity.lenient(gold)
    case .answers:
      let text = answer.texts.first ?? ""
      return gold.isEmpty ? text.isEmpty : gold.contains { isSame(text, $0) }
    case .values: return nil
    }
  }

  /// Distance of two answers to a row, 0 where they are the same.
  ///
  /// Of labels half the sum of the differences of their probabilities, of entities the number that only one of both found, of
  /// answers 1 − F1.
  func distance(_ a: RowAnswer, _ b: RowAnswer, in row: EvaluatedRow) -> Double {
    switch row.form {
    case .labels, .labelSets:
      guard !a.probabilities.isEmpty, a.probabilities.count == b.probabilities.count else {
        return Set(a.texts) == Set(b.texts) ? 0 : 1
      }
      return zip(a.probabilities, b.probabilities).reduce(0) { $0 + abs($1.0 - $1.1) } / 2
    case .values: return abs(a.value - b.value)
    case .tags:
      return Double(Set(Entity.lenient(a.texts)).symmetricDifference(Entity.lenient(b.texts)).count)
    case .answers: return 1 - f1(a.texts.first ?? "", b.texts.first ?? "")
    }
  }

  /// Distance of an answer from the true one, 0 where it is right.
  func error(_ answer: RowAnswer, in row: EvaluatedRow) -> Double {
    if let truth = row.goldValue { return abs(answer.value - truth) }
    guard let gold = row.gold, isRight(answer, to: row) == false else { return 0 }
    switch row.form {
    case .labels: return answer.probability ?? 1
    case .labelSets: return Double(Set(answer.texts).symmetricDifference(gold).count)
    case .tags:
      return Double(Set(Entity.lenient(answer.texts)).symmetricDifference(Entity.lenient(gold)).count)
    case .answers: return 1 - (tally(answer, to: row)?.score ?? 0)
    case .values: return 0
    }
  }

  private func f1(_ a: String, _ b: String) -> Double {
    if a.isEmpty || b.isEmpty { return a.isEmpty && b.isEmpty ? 1 : 0 }
    return switch script {
    case .squad, .squadV2: NormalizedAnswer(b).f1(predicted: NormalizedAnswer(a))
    case .cmrc2018, .drcd: SegmentedAnswer(b).f1(predicted: SegmentedAnswer(a))
    }
  }

  private func isSame(_ a: String, _ b: String) -> Bool {
    switch script {
    case .squad, .squadV2: NormalizedAnswer(a) == NormalizedAnswer(b)
    case .cmrc2018, .drcd: SegmentedAnswer(a).text == SegmentedAnswer(b).text
    }
  }
}
