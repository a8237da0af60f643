import Encoders
import Evaluation
import Foundation
import ModelFormats
import TaskData
import Tasks
import Training

/// Answers to questions, each a piece of its passage.
struct AnswerPredictor: Predictor {
  private let folder: ModelFolder
  private let settings: QuestionSettings

  init(_ folder: ModelFolder, settings: QuestionSettings) {
    self.folder = folder
    self.settings = settings
  }

  /// Questions and passages by turns as pairs; pairs stay as they are.
  ///
  /// - Throws: `CommandError` when they do not go up, and for an empty question or passage, of which nothing can be the
  ///   answer.
  static func pairs(_ items: [TextLines.Item]) throws -> [TextLines.Item] {
    if items.allSatisfy({ $0.pair != nil }) {
      for item in items {
        try check(item.text, "question", at: item.place)
        try check(item.pair ?? "", "passage", at: item.place)
      }
      return items
    }
    guard items.allSatisfy({ $0.pair == nil }), items.count.isMultiple(of: 2) else {
      throw CommandError(
        "found \(items.count) texts, expected questions and passages by turns, or lines {\"question\": …, "
          + "\"context\": …}")
    }
    for (index, item) in items.enumerated() {
      try check(item.text, index.isMultiple(of: 2) ? "question" : "passage", at: item.place)
    }
    return stride(from: 0, to: items.count, by: 2).map {
      TextLines.Item(text: items[$0].text, pair: items[$0 + 1].text)
    }
  }

  private static func check(_ text: String, _ role: String, at place: String) throws {
    guard text.allSatisfy(\.isWhitespace) else { return }
    throw CommandError("\(place): found an empty \(role), expected some text; leave out what has none")
  }

  func prepare(_ items: [TextLines.Item], limit: Int) throws -> (
    examples: [EncodedExample], answers: ([[Float]]) -> [PredictedAnswer]
  ) {
    let questions = items.enumerated().map {
      Question(id: String($0.offset), text: $0.element.text, context: $0.element.pair ?? "")
    }
    try ModelFolder.checkPairs(
      .questions(questions), config: folder.model.config, tokenizer: folder.tokenizer, path: folder.path)
    let task = TaskDefinition(
      name: "predict", kind: .questionAnswering, maxSequenceLength: min(384, limit),
      questions: settings)
    let windows = try QuestionWindow.encode(
      questions, task: task, with: folder.tokenizer, maxLength: min(384, limit))
    return (
      windows.map(\.example),
      { logits in
        var ofQuestion = [[SpanWindow]](repeating: [], count: questions.count)
        for (window, row) in zip(windows, logits) {
          ofQuestion[window.question].append(SpanWindow(window, logits: row))
        }
        let decoder = SpanDecoder(task.questions)
        return zip(questions, ofQuestion).map { question, windows in
          answer(to: question, decoder.answer(context: question.context, windows: windows))
        }
      }
    )
  }

  private func answer(to question: Question, _ prediction: SpanPrediction) -> PredictedAnswer {
    // What lies nowhere and yet has a text is run_qa's stand-in for a passage in which no answer was found.
    let answers = prediction.nBest.filter { $0.offsets != nil || $0.text.isEmpty }
    let best = answers.first { $0.text == prediction.text } ?? answers.first { $0.text.isEmpty }
    let text = best?.text ?? ""
    let score = best.map { shortest($0.probability) } ?? 0
    var object = JSONObject()
    object["answer"] = .string(text)
    object["score"] = .double(score)
    object["start"] = best?.offsets.map { .integer($0.lowerBound) }
    object["end"] = best?.offsets.map { .integer($0.upperBound) }
    object["null_score_diff"] = prediction.nullScoreDiff.map { .double(shortest($0)) }
    return PredictedAnswer(
      line: "\(inOneCell(text))\t\(String(format: "%.4f", score))\t\(inOneCell(question.text))",
      json: .object(object))
  }
}
