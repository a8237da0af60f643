import Datasets
public import Evaluation
public import Foundation
public import ModelFormats
public import Training

/// Evaluation of a model on a task: what it answered to the rows, and how good the answers are.
public struct TaskEvaluation: Sendable {
  /// Loss, metrics, number of rows and time.
  public let result: EvaluationResult
  /// The answers.
  public let predictions: TaskPredictions
  /// The task, whose files may have values of their own for its labels.
  let task: TaskDefinition
  /// Number in its file of the row that each answered text is; empty for sentences and questions.
  let rowNumbers: [Int]

  /// Answers to some rows with their scores.
  package init(result: EvaluationResult, predictions: TaskPredictions, of data: EncodedTask) {
    self.result = result
    self.predictions = predictions
    task = data.task
    rowNumbers = data.rowNumbers
  }
}

/// A model's answers in the terms of the task, in the order of its rows.
public enum TaskPredictions: Sendable {
  /// Labels, one a row, and the logits behind each in the order of the task's labels [labels].
  case labels([(label: String, logits: [Float])])
  /// Numbers, one a row.
  case values([Float])
  /// The labels that apply to each row, and the logits in the order of the task's labels [labels].
  case labelSets([(labels: [String], logits: [Float])])
  /// The words of each sentence with their true tags, where known, and the predicted ones with their probabilities.
  case tags([(words: [String], references: [String]?, predictions: [String], probabilities: [Float])])
  /// The answer to each question by its id.
  case answers([(id: String, prediction: SpanPrediction)])
}

extension TaskEvaluation {
  /// Writes the answers as their users know them.
  ///
  /// - Answers to questions: `predictions.json`, `nbest_predictions.json` and, where questions may have none,
  ///   `null_odds.json`, as run_qa and the SQuAD scripts have them.
  /// - Tags: `predictions.txt`, a word a line with its true tag, where known, and the predicted one, and an empty line
  ///   behind each sentence, as conlleval reads them. Spaces separate them or, where a word or tag of the file has white
  ///   space, tabs; line ends and tabs of words are written as escapes such as `\n`.
  /// - Labels and numbers: `predictions.tsv` with the columns `index` and `prediction`, as GLUE's server takes them: the
  ///   row of the file, counted from 0, and the value by which the task's files mean the label; several labels of a row
  ///   are joined as there.
  ///
  /// - Parameters:
  ///   - folder: An existing folder.
  ///   - prefix: Put before the names with an underscore, such as `eval`.
  /// - Throws: `FormatError.cannotWrite`.
  public func writePredictions(to folder: URL, prefix: String? = nil) throws(FormatError) {
    func file(_ name: String) -> URL { folder.appending(path: prefix.map { "\($0)_\(name)" } ?? name) }
    switch predictions {
    case .answers(let answers):
      try SpanPrediction.write(answers, to: folder, prefix: prefix)
    case .tags(let sentences):
      try AtomicFile.write(Array(Self.columns(sentences).utf8), to: file("predictions.txt"))
    case .labels(let rows):
      try writeTable(rows.map { task.rawValue(ofLabel: $0.label) }, to: file("predictions.tsv"))
    // All digits, so that scores of the file are those of the run.
    case .values(let rows): try writeTable(rows.map { "\(Double($0))" }, to: file("predictions.tsv"))
    case .labelSets(let rows):
      for label in task.labels where task.rawValue(ofLabel: label).contains(task.labelSeparator) {
        throw .cannotWrite(
          file: file("predictions.tsv").path,
          reason:
            "the label \"\(label)\" holds \"\(task.labelSeparator)\", which separates labels; choose another "
            + "label_separator")
      }
      let cells = rows.map { row in
        row.labels.map { task.rawValue(ofLabel: $0) }.joined(separator: task.labelSeparator)
      }
      try writeTable(cells, to: file("predictions.tsv"))
    }
  }

  private static func columns(
    _ sentences: [(words: [String], references: [String]?, predictions: [String], probabilities: [Float])]
  ) -> String {
    let isSpaced = sentences.contains { sentence in
      [sentence.words, sentence.references ?? [], sentence.predictions].joined().contains { cell in
        inOneCell(cell).unicodeScalars.contains { $0.properties.isWhitespace }
      }
    }
    var text = ""
    for sentence in sentences {
      for (index, word) in sentence.words.enumerated() {
        let tags = (sentence.references.map { [$0[index]] } ?? []) + [sentence.predictions[index]]
        text += ([word] + tags).map(inOneCell).joined(separator: isSpaced ? "\t" : " ") + "\n"
      }
      text += "\n"
    }
    return text
  }

  private func writeTable(_ values: [String], to url: URL) throws(FormatError) {
    let lines = zip(rowNumbers, values).map { "\($0)\t\(inOneCell($1))\n" }
    try AtomicFile.write(Array(("index\tprediction\n" + lines.joined()).utf8), to: url)
  }
}
