import Cluster
import Datasets
import Evaluation
import Training

/// Answers of a model to some rows, to be compared with those of another model, or to the rows before they were changed.
struct RowAnswers {
  private let rows: TaskExamples
  private let encoded: EncodedTask
  /// Logits of each example, in the order of the task's outputs.
  private let logits: [[Float]]
  private let predictions: TaskPredictions
  /// The task's metrics; none where no row is labelled.
  let scores: [Score]

  /// Asks a model.
  ///
  /// - Parameter progress: Told of the examples done.
  /// - Throws: `TaskError` when the model's labels are not the task's; `TokenizerError`; `EvaluationError`.
  init(of model: TokenizedModel, to data: EvaluationData, progress: (_ done: Int) -> Void) throws {
    let order = try LabelOrder(model: model.model, path: model.path, task: data.task)
    let encoded = try model.encode(data.examples, of: data.task)
    let answers = ModelAnswers(
      model.model, encoded.examples, outputs: order.outputs, batch: .tokens(4096), over: SoleRank(),
      progress: progress)
    try self.init(data.examples, encoded, answers.logits)
  }

  private init(_ rows: TaskExamples, _ encoded: EncodedTask, _ logits: [[Float]]) throws {
    (self.rows, self.encoded, self.logits) = (rows, encoded, logits)
    do {
      (predictions, scores) = try encoded.score(logits)
    } catch EvaluationError.tooFewNumbers {
      // One number has no correlation, but an answer.
      let unlabelled = encoded.examples.map { example in
        var example = example
        example.target = .none
        return example
      }
      (predictions, scores) = try EncodedTask(
        unlabelled, task: encoded.task, rowNumbers: encoded.rowNumbers
      ).score(logits)
    }
  }

  /// The number of rows.
  var count: Int { rows.count }

  /// The answers to some of the rows, with the scores of these.
  ///
  /// - Parameters:
  ///   - places: Places of the rows, ascending.
  ///   - model: The model that answered, which cuts long rows as before.
  ///   - data: The rows that were answered.
  func part(at places: [Int], of model: TokenizedModel, _ data: EvaluationData) throws -> RowAnswers {
    let rows = self.rows.rows(at: places)
    switch encoded.places {
    case .texts:
      let task = EncodedTask(
        places.map { encoded.examples[$0] }, task: encoded.task,
        rowNumbers: places.map { encoded.rowNumbers[$0] })
      return try RowAnswers(rows, task, places.map { logits[$0] })
    case .sentences(let sentences):
      let wanted = Set(places)
      let windows = sentences.windows.indices.filter { wanted.contains(sentences.windows[$0].sentence) }
      return try RowAnswers(rows, try model.encode(rows, of: data.task), windows.map { logits[$0] })
    case .questions: preconditionFailure("Questions are not changed.")
    }
  }

  // MARK: Comparison

  /// Answer to a row, in a form that can be compared; empty of a number.
  private func answer(_ row: Int) -> [String] {
    switch predictions {
    case .labels(let answers): [answers[row].label]
    case .labelSets(let answers): answers[row].labels
    case .tags(let sentences): sentences[row].predictions
    case .answers(let answers): [answers[row].prediction.text]
    case .values: []
    }
  }

  /// The one answer that all rows get; nil where they get several, of a row alone and of numbers.
  var constant: String? {
    guard count > 1, values == nil else { return nil }
    let all = (0..<count).map(answer)
    if case .tags = predictions {
      let tags = Set(all.joined())
      return tags.count == 1 ? tags.first : nil
    }
    return all.allSatisfy { $0 == all[0] } ? all[0].joined(separator: ", ") : nil
  }

  /// Numbers that are the answers; nil where answers are no numbers.
  private var values: [Double]? {
    if case .values(let values) = predictions { values.map { Double($0) } } else { nil }
  }

  /// The number of rows with another answer than before; nil of numbers.
  func flips(from old: RowAnswers) -> Int? {
    values == nil ? (0..<count).count { answer($0) != old.answer($0) } : nil
  }

  /// The mean distance of numbers from those before; nil of other answers.
  func meanChange(from old: RowAnswers) -> Double? {
    guard let values, let before = old.values, !values.isEmpty else { return nil }
    return zip(values, before).reduce(0) { $0 + abs($1.0 - $1.1) } / Double(values.count)
  }

  /// The share of rows that another model answers alike; nil of numbers.
  func agreement(with other: RowAnswers) -> Double? {
    values == nil ? Agreement.value((0..<count).map(answer), (0..<count).map(other.answer)) : nil
  }

  /// Pearson's correlation with the numbers of another model; nil of other answers, and where there is none.
  func correlation(with other: RowAnswers) -> Double? {
    guard let values, let others = other.values,
      let value = try? RegressionMetric.pearson.value(predictions: values, labels: others), !value.isNaN
    else { return nil }
    return value
  }

  // MARK: Calibration

  /// Calibration of the answers; nil where none is known to be right or wrong, and of numbers.
  var calibration: Calibration? {
    var calibration = Calibration()
    switch predictions {
    case .labels(let answers):
      for (text, answer) in zip(rows.texts, answers) {
        guard let gold = text.label, let best = labels.firstIndex(of: answer.label) else { continue }
        calibration.add(probabilities(answer.logits)[best], isRight: best == gold)
      }
    case .labelSets(let answers):
      for (text, answer) in zip(rows.texts, answers) {
        guard case .labels(let flags) = text.target else { continue }
        for (p, applies) in zip(probabilities(answer.logits), flags) {
          calibration.add(max(p, 1 - p), isRight: (p > 0.5) == applies)
        }
      }
    case .tags(let sentences):
      for sentence in sentences {
        guard let gold = sentence.references else { continue }
        for (place, p) in sentence.probabilities.enumerated() {
          calibration.add(Double(p), isRight: sentence.predictions[place] == gold[place])
        }
      }
    case .answers, .values: break
    }
    return calibration.count > 0 ? calibration : nil
  }

  /// The Brier score of the probabilities of labels; nil where they are not known.
  var brier: Double? {
    switch predictions {
    case .labels(let answers):
      return BrierScore.value(
        probabilities: answers.map { probabilities($0.logits) }, labels: rows.texts.map { $0.label ?? -1 })
    case .labelSets(let answers):
      var (known, flags): ([Double], [Bool]) = ([], [])
      for (text, answer) in zip(rows.texts, answers) {
        guard case .labels(let own) = text.target else { continue }
        known += probabilities(answer.logits)
        flags += own
      }
      return BrierScore.value(probabilities: known, labels: flags)
    case .tags, .answers, .values: return nil
    }
  }

  private var labels: [String] { encoded.task.labels }

  private func probabilities(_ logits: [Float]) -> [Double] {
    (encoded.task.kind.family as? any TextFamily)?.probabilities(logits) ?? []
  }
}

extension TaskExamples {
  /// The rows at some places.
  func rows(at places: [Int]) -> TaskExamples {
    switch self {
    case .texts(let rows): .texts(places.map { rows[$0] })
    case .sentences(let rows): .sentences(places.map { rows[$0] })
    case .questions(let rows): .questions(places.map { rows[$0] })
    }
  }
}
