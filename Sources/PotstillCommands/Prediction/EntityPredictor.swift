import Encoders
import Foundation
import ModelFormats
import TaskData
import Tokenization

/// Named entities of running text.
///
/// The tokenizer's own words carry the tags; long texts are seen in overlapping windows. `EntityLabels` says how tags make
/// entities, and an entity's score is the mean probability of its words' tags.
struct EntityPredictor: Predictor {
  private let folder: ModelFolder
  private let labels: EntityLabels

  init(_ folder: ModelFolder) {
    self.folder = folder
    labels = EntityLabels(folder.model.config.labels)
  }

  func prepare(_ items: [TextLines.Item], limit: Int) throws -> (
    examples: [EncodedExample], answers: ([[Float]]) -> [PredictedAnswer]
  ) {
    let places = items.map { words(of: $0.text) }
    let sentences = zip(items, places).map { item, places in
      let scalars = Array(item.text.unicodeScalars)
      return TaggedSentence(words: places.map { text(scalars, $0) })
    }
    let encoded = try EncodedSentences.encode(
      sentences, tagSet: TagSet(scheme: .bio, types: []), with: folder.tokenizer, maxLength: limit,
      stride: min(32, max(0, (limit - 2) / 2)))
    return (
      encoded.examples,
      { logits in
        let tags = self.tags(encoded, logits)
        return items.indices.map { self.answer(items[$0].text, places[$0], tags[$0]) }
      }
    )
  }

  private typealias Tag = (label: Int, probability: Double)

  /// Where the words lie in a text, in Unicode scalars.
  private func words(of text: String) -> [Range<Int>] {
    let encoding = folder.tokenizer.encode(text, addSpecialTokens: false)
    var ranges: [Range<Int>] = []
    var last: Int?
    for (word, range) in zip(encoding.wordIndex, encoding.offsets) where !range.isEmpty {
      if let word, word == last, let open = ranges.popLast() {
        ranges.append(open.lowerBound..<max(open.upperBound, range.upperBound))
      } else {
        ranges.append(range)
      }
      last = word
    }
    return ranges
  }

  /// The likeliest tag of each word of each text; a word without tokens is outside.
  private func tags(_ encoded: EncodedSentences, _ logits: [[Float]]) -> [[Tag?]] {
    let width = folder.model.config.labels.count
    var tags = encoded.wordCounts.map { [Tag?](repeating: nil, count: $0) }
    for (window, row) in zip(encoded.windows, logits) {
      for (token, word) in window.decidingTokens {
        let scores = probabilities(row[token * width..<(token + 1) * width])
        let best = scores.indices.max { scores[$0] < scores[$1] } ?? 0
        tags[window.sentence][word] = (best, scores[best])
      }
    }
    return tags
  }

  private func answer(_ text: String, _ places: [Range<Int>], _ tags: [Tag?]) -> PredictedAnswer {
    let scalars = Array(text.unicodeScalars)
    let found = labels.groups(tags.map { $0?.label }).map { entity in
      let range = places[entity.words.lowerBound].lowerBound..<places[entity.words.upperBound - 1].upperBound
      let scores = entity.words.compactMap { tags[$0]?.probability }
      let score = scores.reduce(0, +) / Double(max(1, scores.count))
      return (type: entity.type, score: score, word: self.text(scalars, range), range: range)
    }
    let lines = found.map {
      "\(inOneCell($0.type))\t\(String(format: "%.4f", $0.score))\t\($0.range.lowerBound)\t\($0.range.upperBound)"
        + "\t\(inOneCell($0.word))"
    }
    let objects: [JSONValue] = found.map {
      [
        "entity_group": .string($0.type), "score": .double($0.score), "word": .string($0.word),
        "start": .integer($0.range.lowerBound), "end": .integer($0.range.upperBound),
      ]
    }
    // An empty line ends the entities of a text.
    return PredictedAnswer(
      line: (lines + [""]).joined(separator: "\n"), json: ["entities": .array(objects)])
  }

  private func text(_ scalars: [Unicode.Scalar], _ range: Range<Int>) -> String {
    var result = String.UnicodeScalarView()
    result.append(contentsOf: scalars[range])
    return String(result)
  }
}
