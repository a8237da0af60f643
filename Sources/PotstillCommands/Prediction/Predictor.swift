import Foundation
import ModelFormats
import TaskData

/// One answer as predict prints it.
struct PredictedAnswer {
  /// For people and pipes.
  let line: String
  /// For `--json`.
  let json: JSONValue
}

/// What turns texts into a model's examples, and its logits into answers.
protocol Predictor {
  /// Encodes some texts of at most `limit` tokens.
  ///
  /// - Returns: What the model reads, and what its logits, one array an example, say of each text.
  func prepare(_ items: [TextLines.Item], limit: Int) throws -> (
    examples: [EncodedExample], answers: ([[Float]]) -> [PredictedAnswer]
  )
}

/// The double whose shortest digits are those of the float, so that JSON shows 0.1 and not 0.10000000149011612.
func shortest(_ value: Float) -> Double { Double("\(value)") ?? Double(value) }

/// The softmax of a row of logits.
func probabilities(_ logits: some Collection<Float>) -> [Double] {
  let largest = logits.max() ?? 0
  let exponentials = logits.map { exp(Double($0 - largest)) }
  let sum = exponentials.reduce(0, +)
  return exponentials.map { $0 / sum }
}
