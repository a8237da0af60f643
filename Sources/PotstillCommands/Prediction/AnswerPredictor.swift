import Evaluation
import Foundation
import ModelFormats
import TaskData
import Training

/// Answers to questions, each a piece of its passage.
struct AnswerPredictor: Predictor {
  private let folder: ModelFolder
  private let maxAnswerLength: Int

  init(_ folder: ModelFolder, maxAnswerLength: Int) {
    self.folder = folder
    self.maxAnswerLength = maxAnswerLength
  }

  /// Questions and passages by turns as pairs; pairs stay as they are.
  static func pairs(_ items: [TextLines.Item]) throws -> [TextLines.Item] {
    if items.allSatisfy({ $0.pair != nil }) { return items }
    guard items.allSatisfy({ $0.pair == nil }), items.count.isMultiple(of: 2) else {
      throw CommandError(
        "found \(items.count) texts, expected questions and passages by turns, or lines {\"question\": …, "
          + "\"context\": …}")
    }
    return stride(from: 0, to: items.count, by: 2).map {
      TextLines.Item(text: items[$0].text, pair: items[$0 + 1].text)
    }
  }

  func prepare(_ items: [TextLines.Item], limit: Int) throws -> (
    examples: [EncodedExample], answers: ([[Float]]) -> [PredictedAnswer]
  ) {
    let questions = items.enumerated().map {
      Question(id: String($0.offset), text: $0.element.text, context: $0.element.pair ?? "")
    }
    let task = TaskDefinition(
      name: "predict", kind: .questionAnswering, maxSequenceLength: min(384, limit),
      questions: QuestionSettings(maxAnswerLength: maxAnswerLength))
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
          let prediction = decoder.answer(context: question.context, windows: windows)
          let best = prediction.nBest.first
          let score = best.map { shortest($0.probability) } ?? 0
          var object = JSONObject()
          object["answer"] = .string(prediction.text)
          object["score"] = .double(score)
          object["start"] = best?.offsets.map { .integer($0.lowerBound) }
          object["end"] = best?.offsets.map { .integer($0.upperBound) }
          return PredictedAnswer(
            line: "\(prediction.text)\t\(String(format: "%.4f", score))\t\(question.text)",
            json: .object(object))
        }
      }
    )
  }
}
