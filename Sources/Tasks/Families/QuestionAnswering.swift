package import Encoders
import Evaluation
import Foundation
import Kernels
import ModelFormats
public import TaskData
import Tensors
public import Tokenization

/// Family of tasks whose answers are spans of passages (SQuAD, CMRC 2018).
package struct QuestionAnswering: TaskFamily {
  package var kind: TaskKind { .questionAnswering }
  package var metrics: [String] { AnswerScript.allMetrics }
  package var formats: [DataFormat] { [.squad, .jsonl] }
  package var hasLabels: Bool { false }
  package var keys: Set<TaskDefinition.CodingKeys> {
    [
      .docStride, .questionColumn, .contextColumn, .answerColumn, .maxQueryLength, .maxAnswerLength,
      .nBestSize,
      .version2WithNegative, .nullScoreDiffThreshold,
    ]
  }
  package var purpose: String { "question answering" }
  package var usualLength: Int { 384 }
  package var usualStride: Int? { 128 }
  package func windowFrame(of task: TaskDefinition) -> Int { task.questions.maxQueryLength + 3 }
  package var head: TaskHead { .questionAnswering }
  package func modelLabels(of task: TaskDefinition) -> [String]? { nil }
  /// Start and end.
  package func outputCount(of task: TaskDefinition) -> Int { 2 }

  package func columnFaults(of task: TaskDefinition) -> [String] {
    task.keyFaults([
      ("question_column", task.questions.questionColumn), ("context_column", task.questions.contextColumn),
      ("answer_column", task.questions.answerColumn),
    ])
  }

  package func metricFaults(of task: TaskDefinition) -> [String] {
    [
      AnswerScript.fault(
        of: task.metrics.filter(metrics.contains), allowsNoAnswer: task.questions.version2WithNegative)
    ].compactMap { $0 }
  }

  package func settingFaults(of task: TaskDefinition) -> [String] { task.questions.faults }

  package func read(
    _ split: DataSplit, part: String?, by reader: TaskReader
  ) throws(TaskDataError) -> TaskRows {
    TaskRows(try reader.readQuestions(split, part: part), as: TaskExamples.questions)
  }

  package func encode(
    _ rows: TaskExamples, of task: TaskDefinition, with tokenizer: any Tokenizer, maxLength: Int
  ) throws(TokenizerError) -> EncodedTask {
    let questions = rows.questions
    let windows = try QuestionWindow.encode(
      questions, task: task.fitting(maxLength), with: tokenizer, maxLength: maxLength)
    return EncodedTask(
      windows.map(\.example), task: task, rowCount: questions.count, places: .questions(windows)
    ) { logits in
      try score(logits, questions, windows, of: task)
    }
  }

  package func align(
    _ rows: TaskExamples, _ student: EncodedTask, by sides: AlignedSides
  ) throws(TokenizerError) -> [AlignedExample] {
    let questions = rows.questions
    guard case .questions(let windows) = student.places else {
      preconditionFailure("The student's examples must be of these questions.")
    }
    return try AlignedExample.all(windows.count) { (index) throws(TokenizerError) in
      let window = windows[index]
      return try AlignedExample(
        window, of: questions[window.question], maxQueryLength: student.task.questions.maxQueryLength,
        by: sides)
    }
  }

  package func targets(of batch: LabeledBatch) -> any TaskTargets {
    SpanTargets(firsts: batch.spanStarts, lasts: batch.spanEnds)
  }

  package var rows: AnswerRows { .tokens }
  package var form: LogitsForm { .positions }
  package var namesOutputs: Bool { false }

  package func predictor(of model: TokenizedModel, settings: QuestionSettings) throws -> any Predictor {
    AnswerPredictor(model, settings: settings)
  }

  package func chance(_ evaluation: TaskEvaluation, on data: EncodedTask) -> ChanceComparison? {
    ChanceComparison(evaluation, metric: ["f1", "F1"], chance: 1)
  }

  /// The answers to questions and their scores, by the script that the task's metrics belong to.
  private func score(
    _ logits: [[Float]], _ questions: [Question], _ windows: [QuestionWindow], of task: TaskDefinition
  ) throws -> (TaskPredictions, [(name: String, value: Double)]) {
    let decoder = SpanDecoder(task.questions)
    var ofQuestion = [[SpanWindow]](repeating: [], count: questions.count)
    for (window, row) in zip(windows, logits) {
      ofQuestion[window.question].append(SpanWindow(window, logits: row))
    }
    let answers = concurrentMap(questions.count) { [ofQuestion] index in
      decoder.answer(context: questions[index].context, windows: ofQuestion[index])
    }
    let predictions = zip(questions, answers).map { (id: $0.id, prediction: $1) }
    let isLabelled = questions.contains { $0.isImpossible || !$0.answers.isEmpty }
    return (.answers(predictions), isLabelled ? try score(predictions, of: questions, task) : [])
  }

  private func score(
    _ predictions: [(id: String, prediction: SpanPrediction)], of questions: [Question],
    _ task: TaskDefinition
  ) throws -> [(name: String, value: Double)] {
    let texts = Dictionary(predictions.map { ($0.id, $0.prediction.text) }) { first, _ in first }
    let gold = questions.map { GoldQuestion(id: $0.id, answers: $0.answers.map(\.text)) }
    let odds = predictions.map { id, prediction in
      (id: id, probability: prediction.nullScoreDiff.map { Double($0) } ?? .greatestFiniteMagnitude)
    }
    let metric: AnswerMetric =
      task.isScoredAsCMRC ? .cmrc2018 : task.questions.version2WithNegative ? .squadV2 : .squad
    // The odds are for the best thresholds; the plain scores are those of the predictions as they stand.
    let found = try metric.score(
      predictions: texts, questions: gold, noAnswerProbabilities: odds, noAnswerThreshold: .infinity
    ).scores
    return try task.metrics.compactMap { name -> (name: String, value: Double)? in
      if let value = found[name]?.doubleValue { return (name: name, value: value) }
      // SQuAD 2.0's script leaves out the part that no question belongs to.
      if name.hasPrefix("HasAns_") || name.hasPrefix("NoAns_") { return nil }
      throw EvaluationError.unknownMetric(name, known: found.keys)
    }
  }
}

extension QuestionWindow {
  /// Tokenizes the questions of a task with the task's own settings.
  ///
  /// - Parameter maxLength: The largest number of tokens, nil for the task's `max_seq_length`.
  /// - Throws: `TokenizerError.truncation` when the length leaves too little room.
  public static func encode(
    _ questions: [Question], task: TaskDefinition, with tokenizer: any Tokenizer, maxLength: Int? = nil
  ) throws(TokenizerError) -> [QuestionWindow] {
    try encode(
      questions, with: tokenizer, maxLength: maxLength ?? task.maxSequenceLength, stride: task.docStride,
      maxQueryLength: task.questions.maxQueryLength)
  }
}

extension SpanDecoder {
  /// A decoder with a task's settings.
  package init(_ settings: QuestionSettings) {
    self.init(
      nBestSize: settings.nBestSize, maxAnswerLength: settings.maxAnswerLength,
      allowsNoAnswer: settings.version2WithNegative,
      nullScoreDiffThreshold: Float(settings.nullScoreDiffThreshold))
  }
}

extension SpanWindow {
  /// A window with its logits, row-major [length, 2].
  package init(_ window: QuestionWindow, logits: [Float]) {
    let length = window.example.length
    self.init(
      startLogits: (0..<length).map { logits[2 * $0] }, endLogits: (0..<length).map { logits[2 * $0 + 1] },
      offsets: (0..<length).map { window.offset(ofToken: $0) })
  }
}
