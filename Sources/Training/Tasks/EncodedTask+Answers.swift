import Evaluation
import Foundation
import Kernels
import ModelFormats
import TaskData

extension EncodedTask {
  /// The answers to questions and their scores, by the script that the task's metrics belong to.
  func scoreAnswers(
    _ logits: [[Float]], _ questions: [Question], _ windows: [QuestionWindow]
  ) throws -> (TaskPredictions, Scores) {
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
    return (.answers(predictions), isLabelled ? try score(predictions, of: questions) : [])
  }

  private func score(
    _ predictions: [(id: String, prediction: SpanPrediction)], of questions: [Question]
  ) throws -> Scores {
    let texts = Dictionary(predictions.map { ($0.id, $0.prediction.text) }) { first, _ in first }
    let gold = questions.map { GoldQuestion(id: $0.id, answers: $0.answers.map(\.text)) }
    let odds = predictions.map { id, prediction in
      (id: id, probability: prediction.nullScoreDiff.map { Double($0) } ?? .greatestFiniteMagnitude)
    }
    // The odds are for the best thresholds; the plain scores are those of the predictions as they stand.
    let found = try answerMetric.score(
      predictions: texts, questions: gold, noAnswerProbabilities: odds, noAnswerThreshold: .infinity
    ).scores
    return try task.metrics.compactMap { name -> (name: String, value: Double)? in
      if let value = found[name]?.doubleValue { return (name: name, value: value) }
      // SQuAD 2.0's script leaves out the part that no question belongs to.
      if name.hasPrefix("HasAns_") || name.hasPrefix("NoAns_") { return nil }
      throw EvaluationError.unknownMetric(name, known: found.keys)
    }
  }

  private var answerMetric: AnswerMetric {
    if task.isScoredAsCMRC { return .cmrc2018 }
    return task.questions.version2WithNegative ? .squadV2 : .squad
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
