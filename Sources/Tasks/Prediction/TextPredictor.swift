import Encoders
import ModelFormats
import TaskData

/// Predictor of labels, numbers or sets of labels, one a text or pair.
struct TextPredictor: Predictor {
  let model: TokenizedModel
  let family: any TextFamily

  func prepare(_ items: [PredictionItem], limit: Int) throws -> (
    examples: [EncodedExample], answers: ([[Float]]) -> [PredictedAnswer]
  ) {
    let examples = try model.encode(items.map { TextExample(text: $0.text, pair: $0.pair) }, limit: limit)
    let labels = model.model.config.labels
    return (
      examples,
      { logits in
        zip(items, logits).map { item, logits in
          let text = ([item.text] + (item.pair.map { [$0] } ?? [])).map(inOneCell).joined(separator: "\t")
          let answer = family.answer(logits, labels: labels)
          return PredictedAnswer(line: "\(answer.line)\t\(text)", json: answer.json)
        }
      }
    )
  }
}
