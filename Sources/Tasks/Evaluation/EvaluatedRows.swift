import Datasets
public import Evaluation
public import Foundation
import ModelFormats

extension TaskEvaluation {
  /// Scores of each label, or of each type of entities; nil of numbers and answers, and where no row has a label.
  ///
  /// - Parameter rows: The rows that were answered.
  public func report(on rows: TaskExamples) throws -> ClassReport? {
    switch predictions {
    case .labels(let answers):
      let gold = rows.texts.map { $0.label ?? -1 }
      guard gold.contains(where: { $0 >= 0 }) else { return nil }
      let found = answers.map { task.labels.firstIndex(of: $0.label) ?? 0 }
      return ClassReport(
        ConfusionMatrix(predictions: found, labels: gold, classCount: task.labels.count), names: task.labels)
    case .labelSets(let answers):
      var (found, gold): ([Bool], [Bool]) = ([], [])
      for (row, answer) in zip(rows.texts, answers) {
        guard case .labels(let flags) = row.target else { continue }
        gold += flags
        found += task.labels.map(answer.labels.contains)
      }
      return gold.isEmpty ? nil : ClassReport(predictions: found, labels: gold, names: task.labels)
    case .tags(let sentences):
      let known = sentences.compactMap { sentence in sentence.references.map { ($0, sentence.predictions) } }
      if known.isEmpty { return nil }
      let scores = try EntityScores(predictions: known.map(\.1), references: known.map(\.0))
      return ClassReport(
        rows: scores.types.map {
          ClassReport.Row(
            name: $0.name, precision: $0.scores.precision, recall: $0.scores.recall, f1: $0.scores.f1,
            support: $0.scores.number)
        })
    case .values, .answers: return nil
    }
  }

  /// Writes each row with its text, its true answer where it is known, and the model's with its probabilities, under the names
  /// of `predict --output`; those of a teacher begin with `teacher_`, of further ones with `teacher_2_` and so on.
  ///
  /// - Parameters:
  ///   - rows: The rows that were answered.
  ///   - folder: An existing folder.
  ///   - prefix: Put before `predictions.jsonl` with an underscore, such as `eval`.
  ///   - teachers: The teachers' answers to the same rows; nil of one that has none.
  /// - Throws: `FormatError.cannotWrite`.
  public func writeRows(
    _ rows: TaskExamples, to folder: URL, prefix: String? = nil, teachers: [TaskEvaluation?] = []
  ) throws(FormatError) {
    let file = try AtomicFile(folder.appending(path: (prefix.map { $0 + "_" } ?? "") + Self.rowsFileName))
    for index in 0..<rows.count {
      var object = question(index, of: rows)
      for (name, value) in answer(index) { object[name] = value }
      for (place, teacher) in teachers.enumerated() {
        let prefix = Self.prefix(ofTeacher: place)
        for (name, value) in teacher?.answer(index) ?? JSONObject() { object[prefix + name] = value }
      }
      try file.write(Array((JSONValue.object(object).compactText + "\n").utf8))
    }
    try file.commit()
  }

  /// Beginning of the names of a teacher's members, as in `all_results.json`: `teacher_`, then `teacher_2_`.
  ///
  /// - Parameter place: The place among the teachers, counted from 0.
  package static func prefix(ofTeacher place: Int) -> String {
    place == 0 ? "teacher_" : "teacher_\(place + 1)_"
  }

  /// The name of the file of rows.
  static let rowsFileName = "predictions.jsonl"

  /// A row without a model's answer.
  private func question(_ index: Int, of rows: TaskExamples) -> JSONObject {
    var object = JSONObject()
    if rowNumbers.indices.contains(index) { object["index"] = .integer(rowNumbers[index]) }
    switch rows {
    case .texts(let texts):
      object["text"] = .string(texts[index].text)
      object["text_pair"] = texts[index].pair.map { .string($0) }
      object["label"] = gold(texts[index].target)
    case .sentences, .questions: break
    }
    switch predictions {
    case .tags(let sentences):
      object["tokens"] = .array(sentences[index].words.map { .string($0) })
      object["label"] = sentences[index].references.map { .array($0.map { .string($0) }) }
    case .answers(let answers):
      object["id"] = .string(answers[index].id)
      if case .questions(let questions) = rows {
        object["question"] = .string(questions[index].text)
        object["context"] = .string(questions[index].context)
        object["label"] = .array(questions[index].answers.map { .string($0.text) })
      }
    case .labels, .labelSets, .values: break
    }
    return object
  }

  /// The answer to a row.
  private func answer(_ index: Int) -> JSONObject {
    var object = JSONObject()
    func probabilities(_ logits: [Float]) -> [Double] {
      (task.kind.family as? any TextFamily)?.probabilities(logits) ?? []
    }
    switch predictions {
    case .labels(let answers):
      let (label, all) = (answers[index].label, probabilities(answers[index].logits))
      object["prediction"] = .string(label)
      object["probability"] = task.labels.firstIndex(of: label).map { .double(all[$0]) }
      object["probabilities"] = .labels(zip(task.labels, all).map { ($0, $1) })
    case .labelSets(let answers):
      object["prediction"] = .array(answers[index].labels.map { .string($0) })
      object["probabilities"] = .labels(
        zip(task.labels, probabilities(answers[index].logits)).map { ($0, $1) })
    case .values(let values):
      object["prediction"] = .double(shortest(values[index]))
      object["value"] = .double(shortest(values[index]))
    case .tags(let sentences):
      object["prediction"] = .array(sentences[index].predictions.map { .string($0) })
      object["probabilities"] = .array(sentences[index].probabilities.map { .double(shortest($0)) })
    case .answers(let answers):
      let prediction = answers[index].prediction
      object["prediction"] = .string(prediction.text)
      guard let best = prediction.nBest.first(where: { $0.text == prediction.text }) else { break }
      object["probability"] = .double(shortest(best.probability))
      object["start"] = best.offsets.map { .integer($0.lowerBound) }
      object["end"] = best.offsets.map { .integer($0.upperBound) }
    }
    return object
  }

  private func gold(_ target: ExampleTarget) -> JSONValue? {
    switch target {
    case .label(let label): .string(task.labels[Int(label)])
    case .value(let value): .double(shortest(value))
    case .labels(let flags): .array(zip(task.labels, flags).compactMap { $1 ? .string($0) : nil })
    case .none, .tags, .span: nil
    }
  }
}
