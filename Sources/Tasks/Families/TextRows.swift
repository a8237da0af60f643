package import Encoders
import Foundation
import ModelFormats
package import TaskData
package import Tokenization

/// Family of tasks whose rows are texts or pairs of texts with columns, cut where they are too long.
package protocol TextFamily: TaskFamily {
  /// The reader of a task's targets.
  func targetReader(of task: TaskDefinition) -> any TargetReader
  /// Whether a row has two texts always.
  var needsPair: Bool { get }
  /// The answer to one text, as `predict` prints it in front of the text, and for machines.
  func answer(_ logits: [Float], labels: [String]) -> (line: String, json: JSONValue)
  /// The probability of each label, where outputs are labels.
  func probabilities(_ logits: [Float]) -> [Double]
  /// The answers that logits stand for, and their scores.
  ///
  /// - Parameters:
  ///   - logits: The logits of each example [outputs].
  ///   - data: The examples.
  func score(_ logits: [[Float]], of data: EncodedTask) throws -> (
    TaskPredictions, [(name: String, value: Double)]
  )
}

extension TextFamily {
  package var formats: [DataFormat] { [.tsv, .csv, .jsonl, .text] }
  package var head: TaskHead { .sequenceClassification }
  package var needsPair: Bool { false }
  package var rows: AnswerRows { .sequences }
  package var purpose: String { "classification" }

  package func predictor(of model: TokenizedModel, settings: QuestionSettings) throws -> any Predictor {
    TextPredictor(model: model, family: self)
  }

  package func probabilities(_ logits: [Float]) -> [Double] { softmax(logits) }

  package func columnFaults(of task: TaskDefinition) -> [String] {
    task.textColumnFaults(kind: kind.rawValue, needsPair: needsPair)
  }

  package func read(
    _ split: DataSplit, part: String?, by reader: TaskReader
  ) throws(TaskDataError) -> TaskRows {
    TaskRows(try reader.read(split, part: part), as: TaskExamples.texts)
  }

  package func encode(
    _ rows: TaskExamples, of task: TaskDefinition, with tokenizer: any Tokenizer, maxLength: Int
  ) throws(TokenizerError) -> EncodedTask {
    let texts = rows.texts
    return EncodedTask(
      try EncodedExample.encode(texts, with: tokenizer, maxLength: maxLength), task: task,
      rowNumbers: texts.enumerated().map { position, text in text.row ?? position })
  }

  package func align(
    _ rows: TaskExamples, _ student: EncodedTask, by sides: AlignedSides
  ) throws(TokenizerError) -> [AlignedExample] {
    let texts = rows.texts
    precondition(texts.count == student.examples.count, "The student's examples must be of these texts.")
    return try AlignedExample.all(texts.count) { (index) throws(TokenizerError) in
      let text = texts[index]
      let own = try sides.studentTokenizer.encode(
        text.text, pair: text.pair, truncation: Truncation(maxLength: sides.studentLength))
      let other = try sides.teacherTokenizer.encode(
        text.text, pair: text.pair, truncation: Truncation(maxLength: sides.teacherLength))
      return AlignedExample(own, other, isFull: other.count == sides.teacherLength)
    }
  }
}

extension TaskExamples {
  /// The texts of a task of texts.
  package var texts: [TextExample] {
    guard case .texts(let rows) = self else {
      preconditionFailure("The rows are not texts, as the kind needs them.")
    }
    return rows
  }

  /// The sentences of a task of words.
  package var sentences: [TaggedSentence] {
    guard case .sentences(let rows) = self else {
      preconditionFailure("The rows are not sentences of words, as the kind needs them.")
    }
    return rows
  }

  /// The questions of a task of passages.
  package var questions: [Question] {
    guard case .questions(let rows) = self else {
      preconditionFailure("The rows are not questions, as the kind needs them.")
    }
    return rows
  }
}

/// Names of labels as values of files are compared with them.
struct LabelNames: Sendable {
  private let indices: [String: Int]

  /// The names of a task's labels, and the raw values that mean them.
  init(_ task: TaskDefinition) {
    var indices: [String: Int] = [:]
    let raws = task.labels + task.labelValues.keys.sorted()
    for raw in raws { indices[raw] = task.labelIndex(ofRawValue: raw) }
    // Values of files are read without the white space around them, and so are the names they are compared with.
    for raw in raws {
      let trimmed = raw.trimmingCharacters(in: .whitespacesAndNewlines)
      if indices[trimmed] == nil { indices[trimmed] = indices[raw] }
    }
    self.indices = indices
  }

  /// The label that a value means; a whole number means the same when it is written 1.0.
  subscript(raw: String) -> Int? { indices[raw] ?? wholeNumber(raw).flatMap { indices[String($0)] } }

  /// What a fault expects.
  var expected: String { "one of \(indices.keys.sorted().joined(separator: ", "))" }
}
