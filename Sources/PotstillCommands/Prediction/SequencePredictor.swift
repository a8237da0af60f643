import Encoders
import Foundation
import ModelFormats
import TaskData

/// Labels, numbers or sets of labels, one a text or pair.
struct SequencePredictor: Predictor {
  private let folder: ModelFolder

  init(_ folder: ModelFolder) { self.folder = folder }

  func prepare(_ items: [TextLines.Item], limit: Int) throws -> (
    examples: [EncodedExample], answers: ([[Float]]) -> [PredictedAnswer]
  ) {
    let examples = try folder.encode(items.map { TextExample(text: $0.text, pair: $0.pair) }, limit: limit)
    return (examples, { logits in zip(items, logits).map { answer($0, $1) } })
  }

  private func answer(_ item: TextLines.Item, _ logits: [Float]) -> PredictedAnswer {
    let text = ([item.text] + (item.pair.map { [$0] } ?? [])).map(inOneCell).joined(separator: "\t")
    let labels = folder.model.config.labels
    let numbers = JSONValue.array(logits.map { .double(shortest($0)) })
    switch folder.model.config.problem {
    case .regression:
      return PredictedAnswer(line: "\(logits[0])\t\(text)", json: ["value": .double(shortest(logits[0]))])
    case .multiLabel:
      let chosen = zip(labels, logits).compactMap { $1 > 0 ? $0 : nil }
      return PredictedAnswer(
        line: "\(inOneCell(chosen.joined(separator: ",")))\t\(text)",
        json: ["labels": .array(chosen.map { .string($0) }), "logits": numbers])
    case .singleLabel:
      let best = logits.indices.max { logits[$0] < logits[$1] } ?? 0
      let first = logits.firstIndex(of: logits[best]) ?? best
      let score = probabilities(logits)[first]
      return PredictedAnswer(
        line: "\(inOneCell(labels[first]))\t\(String(format: "%.4f", score))\t\(text)",
        json: ["label": .string(labels[first]), "score": .double(score), "logits": numbers])
    }
  }
}
