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

  /// An item of its parts.
  package init(text: String, pair: String? = nil, place: String = "the text") {
    (self.text, self.pair, self.place) = (text, pair, place)
  }
}

/// Answer as `predict` prints it.
package struct PredictedAnswer {
  /// Line for people and pipes.
  package let line: String
  /// Value for `--json`.
  package let json: JSONValue
}

/// Predictor of one kind of answers: turns texts into a model's examples, and its logits into answers.
package protocol Predictor {
  /// The items that make one answer each, such as a question with its passage.
  ///
  /// - Throws: `TaskError` for items that cannot be answered.
  func items(_ items: [PredictionItem]) throws -> [PredictionItem]

  /// Encodes some items of at most `limit` tokens.
  ///
  /// - Returns: What the model reads, and what its logits, one array an example, say of each item.
  func prepare(_ items: [PredictionItem], limit: Int) throws -> (
    examples: [EncodedExample], answers: ([[Float]]) -> [PredictedAnswer]
  )
}

extension Predictor {
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
