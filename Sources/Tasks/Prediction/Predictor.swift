package import Datasets
import Foundation
package import ModelFormats

/// Text to answer, or a pair of texts.
package struct PredictionItem: Sendable {
  /// The text.
  package let text: String
  /// The second text of a pair.
  package let pair: String?
  /// Place where it stands, for messages.
  package let place: String
  /// The columns of its row, which go with the answer.
  package let columns: [(name: String, value: JSONValue)]
  /// The words of the text, where they are given; nil for running text.
  package let words: [String]?

  /// An item of its parts.
  package init(
    text: String, pair: String? = nil, place: String = "the text",
    columns: [(name: String, value: JSONValue)]? = nil,
    words: [String]? = nil
  ) {
    (self.text, self.pair, self.place, self.words) = (text, pair, place, words)
    self.columns = columns ?? [("text", .string(text))] + (pair.map { [("text_pair", .string($0))] } ?? [])
  }
}

/// Answer of a model to an item, in each form in which it is written.
package struct PredictedAnswer {
  /// Line for people and pipes.
  package var line: String
  /// Value for `--json`.
  package var json: JSONValue
  /// The answer alone: a label, a number, labels, entities or a text.
  package let prediction: JSONValue
  /// Probability of the answer, 0 to 1; nil where it has none.
  package var probability: Double?
  /// The probability of each label, in the order of the model's outputs; empty where outputs are no labels.
  package var probabilities: [(label: String, value: Double)] = []
  /// Further members of an object in a file of answers.
  package var members: [(name: String, value: JSONValue)] = []
  /// Parts of the text that stand out, in Unicode scalars, with what they are.
  package var marks: [(range: Range<Int>, type: String)] = []
}

extension PredictedAnswer {
  /// The likeliest labels with their probabilities, the likeliest first.
  func likeliest(_ count: Int) -> [(label: String, value: Double)] {
    // The sort is stable, so that of equal ones the first output goes first.
    Array(probabilities.sorted { $0.value > $1.value }.prefix(count))
  }
}

/// Items as a model reads them, with the way back to their answers.
package struct PreparedItems {
  /// Examples of the model.
  package let examples: [EncodedExample]
  /// The number of items of which the end is cut off.
  package var cutCount = 0
  /// The answers that the examples' logits stand for, one an item.
  package let answers: ([[Float]]) -> [PredictedAnswer]
}

/// Combination of the answers to the windows of a long text.
package enum WindowPooling: String, CaseIterable, Sendable {
  /// The mean of the windows' probabilities, or of their numbers.
  case mean
  /// The largest probability of each label in any window, as parts of one where labels exclude each other; the largest number.
  case max
}

/// Settings of predictions.
package struct PredictionSettings: Sendable {
  /// How answers to questions are found.
  package var questions: QuestionSettings
  /// How long texts are read in windows; nil cuts them.
  package var window: WindowPooling?
  /// The tokens that two windows have in common; nil for a quarter of a window.
  package var docStride: Int?
  /// The number of likeliest labels that an answer shows; nil for the answer alone.
  package var topCount: Int?

  /// Settings; texts are cut.
  package init(questions: QuestionSettings = QuestionSettings()) { self.questions = questions }
}

/// Predictor of one kind of answers: turns texts into a model's examples, and its logits into answers.
package protocol Predictor {
  /// The number of single texts that make one answer: two for a question and its passage.
  var unit: Int { get }

  /// The items that make one answer each, such as a question with its passage.
  ///
  /// - Throws: `TaskError` for items that cannot be answered.
  func items(_ items: [PredictionItem]) throws -> [PredictionItem]

  /// Encodes some items of at most `limit` tokens.
  func prepare(_ items: [PredictionItem], limit: Int) throws -> PreparedItems
}

extension Predictor {
  /// One text an answer.
  package var unit: Int { 1 }
  /// The items as they are.
  package func items(_ items: [PredictionItem]) throws -> [PredictionItem] { items }
}

/// The double whose shortest digits are those of the float, so that JSON shows 0.1 and not 0.10000000149011612.
func shortest(_ value: Float) -> Double { Double("\(value)") ?? Double(value) }

/// The softmax of a row of logits.
func softmax(_ logits: some Collection<Float>) -> [Double] {
  let largest = logits.max() ?? 0
  let exponentials = logits.map { exp(Double($0 - largest)) }
  let sum = exponentials.reduce(0, +)
  return exponentials.map { $0 / sum }
}
