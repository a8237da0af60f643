import Datasets
import Encoders
import Evaluation
public import Foundation
import ModelFormats
import Training

/// Predictor of answers to questions, each a piece of its passage.
struct AnswerPredictor: Predictor {
  private let model: TokenizedModel
  private let settings: QuestionSettings

  init(_ model: TokenizedModel, settings: QuestionSettings) {
    self.model = model
    self.settings = settings
  }

  /// Questions and passages by turns as pairs; pairs stay as they are.
  ///
  /// - Throws: `TaskError` when they do not go up, and for an empty question or passage, of which nothing can be the
  ///   answer.
  func items(_ items: [PredictionItem]) throws -> [PredictionItem] {
    if items.allSatisfy({ $0.pair != nil }) {
      for item in items {
        try Self.check(item.text, "question", at: item.place)
        try Self.check(item.pair ?? "", "passage", at: item.place)
      }
      return items
    }
    guard items.allSatisfy({ $0.pair == nil }), items.count.isMultiple(of: 2) else {
      throw TaskError(
        "found \(items.count) texts, expected questions and passages by turns, or lines {\"question\": …, "
          + "\"context\": …}")
    }
    for (index, item) in items.enumerated() {
      try Self.check(item.text, index.isMultiple(of: 2) ? "question" : "passage", at: item.place)
    }
    return stride(from: 0, to: items.count, by: 2).map {
      PredictionItem(text: items[$0].text, pair: items[$0 + 1].text)
    }
  }

  private static func check(_ text: String, _ role: String, at place: String) throws {
    guard text.allSatisfy(\.isWhitespace) else { return }
    throw TaskError("\(place): found an empty \(role), expected some text; leave out what has none")
  }

  var unit: Int { 2 }

  func prepare(_ items: [PredictionItem], limit: Int) throws -> PreparedItems {
    let questions = items.enumerated().map {
      Question(id: String($0.offset), text: $0.element.text, context: $0.element.pair ?? "")
    }
    let windows = try encode(questions, limit: limit)
    return PreparedItems(examples: windows.map(\.example)) { logits in
      zip(questions, predictions(questions, windows, logits)).map { answer(to: $0, $1) }
    }
  }

  /// The answer to each question.
  func answers(to questions: [Question], limit: Int) throws -> [Reader.Answer] {
    let windows = try encode(questions, limit: limit)
    let logits = model.logits(of: windows.map(\.example))
    return predictions(questions, windows, logits).map(best)
  }

  private func encode(_ questions: [Question], limit: Int) throws -> [QuestionWindow] {
    try TokenizedModel.checkPairs(
      .questions(questions), config: model.model.config, tokenizer: model.tokenizer, path: model.path)
    let task = TaskDefinition(
      name: "predict", kind: .questionAnswering, maxSequenceLength: min(384, limit), questions: settings)
    return try QuestionWindow.encode(
      questions, task: task, with: model.tokenizer, maxLength: min(384, limit))
  }

  private func predictions(
    _ questions: [Question], _ windows: [QuestionWindow], _ logits: [[Float]]
  ) -> [SpanPrediction] {
    var ofQuestion = [[SpanWindow]](repeating: [], count: questions.count)
    for (window, row) in zip(windows, logits) {
      ofQuestion[window.question].append(SpanWindow(window, logits: row))
    }
    let decoder = SpanDecoder(settings)
    return zip(questions, ofQuestion).map { decoder.answer(context: $0.context, windows: $1) }
  }

  private func best(_ prediction: SpanPrediction) -> Reader.Answer {
    // What lies nowhere and yet has a text is run_qa's stand-in for a passage in which no answer was found.
    let answers = prediction.nBest.filter { $0.offsets != nil || $0.text.isEmpty }
    let best = answers.first { $0.text == prediction.text } ?? answers.first { $0.text.isEmpty }
    return Reader.Answer(
      text: best?.text ?? "", score: best.map { shortest($0.probability) } ?? 0, range: best?.offsets,
      nullScoreDiff: prediction.nullScoreDiff.map { shortest($0) })
  }

  private func answer(to question: Question, _ prediction: SpanPrediction) -> PredictedAnswer {
    let best = best(prediction)
    var object = JSONObject()
    object["answer"] = .string(best.text)
    object["score"] = .double(best.score)
    object["start"] = best.range.map { .integer($0.lowerBound) }
    object["end"] = best.range.map { .integer($0.upperBound) }
    object["null_score_diff"] = best.nullScoreDiff.map { .double($0) }
    return PredictedAnswer(
      line:
        "\(inOneCell(best.text))\t\(String(format: "%.4f", best.score))\t\(inOneCell(question.text))",
      json: .object(object), prediction: .string(best.text), probability: best.score,
      members: object.map { ($0.key, $0.value) })
  }
}

/// Reader of passages: the spans with which a model answers questions.
public final class Reader: @unchecked Sendable {
  // Sendable because the model is loaded for it alone and nobody trains it: a forward pass only reads.

  /// Answer to one question.
  public struct Answer: Sendable, Equatable {
    /// The answer; empty where the passage has none.
    public let text: String
    /// Probability among the candidates, 0 to 1.
    public let score: Double
    /// Range in the passage, in Unicode scalars; nil where there is none.
    public let range: Range<Int>?
    /// Score of "no answer" minus that of the best answer; nil where each question has an answer.
    public let nullScoreDiff: Double?
  }

  private let model: TokenizedModel
  private let predictor: AnswerPredictor

  /// Loads a folder with a model that answers questions.
  ///
  /// - Parameters:
  ///   - directory: The folder.
  ///   - settings: How answers are found, such as their greatest length and whether there may be none.
  /// - Throws: What loading throws; `TaskError` when the model answers something else.
  public init(directory: URL, settings: QuestionSettings = QuestionSettings()) throws {
    model = try TokenizedModel(directory.path)
    try model.check(for: QuestionAnswering())
    predictor = AnswerPredictor(model, settings: settings)
  }

  /// Answers questions, each from its passage; long passages are seen in overlapping windows.
  ///
  /// - Throws: `TokenizerError.truncation` when the model's length leaves no room; `TaskError` when it has no segment for a
  ///   second text.
  public func callAsFunction(_ questions: [(question: String, passage: String)]) throws -> [Answer] {
    try predictor.answers(
      to: questions.enumerated().map { Question(id: "\($0)", text: $1.question, context: $1.passage) },
      limit: model.lengthLimit())
  }

  /// Answers one question.
  public func callAsFunction(_ question: String, in passage: String) throws -> Answer {
    try self([(question, passage)])[0]
  }
}
