import Datasets
import Encoders
public import Foundation
import ModelFormats
import Tokenization

/// Predictor of named entities in running text.
///
/// The tokenizer's own words carry the tags; long texts are seen in overlapping windows. `EntityLabels` says how tags make
/// entities, and an entity's score is the mean probability of its words' tags.
struct EntityPredictor: Predictor {
  private let model: TokenizedModel
  private let labels: EntityLabels

  init(_ model: TokenizedModel) {
    self.model = model
    labels = EntityLabels(model.model.config.labels)
  }

  func prepare(_ items: [PredictionItem], limit: Int) throws -> PreparedItems {
    let texts = items.map(\.text)
    let (encoded, places) = try encode(texts, limit: limit, words: items.map(\.words))
    return PreparedItems(examples: encoded.examples) { logits in
      let tags = self.tags(encoded, logits)
      return texts.indices.map { self.answer(texts[$0], places[$0], tags[$0]) }
    }
  }

  /// The entities of each text.
  func entities(of texts: [String], limit: Int) throws -> [[Tagger.Entity]] {
    let (encoded, places) = try encode(texts, limit: limit, words: texts.map { _ in nil })
    let tags = self.tags(encoded, model.logits(of: encoded.examples))
    return texts.indices.map { entities(texts[$0], places[$0], tags[$0]) }
  }

  /// Texts cut into words, with the place of each word, in windows of at most `limit` tokens.
  private func encode(
    _ texts: [String], limit: Int, words given: [[String]?]
  ) throws -> (encoded: EncodedSentences, places: [[Range<Int>]]) {
    let places = zip(texts, given).map { text, given in given.map(Self.places) ?? words(of: text) }
    let sentences = zip(texts, places).map { text, places in
      let scalars = Array(text.unicodeScalars)
      return TaggedSentence(words: places.map { self.text(scalars, $0) })
    }
    let encoded = try EncodedSentences.encode(
      sentences, tagSet: TagSet(scheme: .bio, types: []), with: model.tokenizer, maxLength: limit,
      stride: min(32, max(0, (limit - 2) / 2)))
    return (encoded, places)
  }

  /// Ranges of given words in their text, which has a space between each two, in Unicode scalars.
  private static func places(of words: [String]) -> [Range<Int>] {
    var start = 0
    return words.map { word in
      let range = start..<start + word.unicodeScalars.count
      start = range.upperBound + 1
      return range
    }
  }

  private typealias Tag = (label: Int, probability: Double)

  /// Ranges of the words of a text, in Unicode scalars.
  private func words(of text: String) -> [Range<Int>] {
    let encoding = model.tokenizer.encode(text, addSpecialTokens: false)
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
    let width = model.model.config.labels.count
    var tags = encoded.wordCounts.map { [Tag?](repeating: nil, count: $0) }
    for (window, row) in zip(encoded.windows, logits) {
      for (token, word) in window.decidingTokens {
        let scores = softmax(row[token * width..<(token + 1) * width])
        let best = scores.indices.max { scores[$0] < scores[$1] } ?? 0
        tags[window.sentence][word] = (best, scores[best])
      }
    }
    return tags
  }

  private func answer(_ text: String, _ places: [Range<Int>], _ tags: [Tag?]) -> PredictedAnswer {
    let found = entities(text, places, tags)
    let lines = found.map {
      "\(inOneCell($0.type))\t\(String(format: "%.4f", $0.score))\t\($0.range.lowerBound)\t\($0.range.upperBound)"
        + "\t\(inOneCell($0.text))"
    }
    let objects: [JSONValue] = found.map {
      [
        "entity_group": .string($0.type), "score": .double($0.score), "word": .string($0.text),
        "start": .integer($0.range.lowerBound), "end": .integer($0.range.upperBound),
      ]
    }
    // An empty line ends the entities of a text.
    return PredictedAnswer(
      line: (lines + [""]).joined(separator: "\n"), json: ["entities": .array(objects)],
      prediction: .array(objects), members: [("entities", .array(objects))],
      marks: found.map { ($0.range, $0.type) })
  }

  private func entities(_ text: String, _ places: [Range<Int>], _ tags: [Tag?]) -> [Tagger.Entity] {
    let scalars = Array(text.unicodeScalars)
    return labels.groups(tags.map { $0?.label }).map { entity in
      let range = places[entity.words.lowerBound].lowerBound..<places[entity.words.upperBound - 1].upperBound
      let scores = entity.words.compactMap { tags[$0]?.probability }
      return Tagger.Entity(
        type: entity.type, score: scores.reduce(0, +) / Double(max(1, scores.count)),
        text: self.text(scalars, range), range: range)
    }
  }

  private func text(_ scalars: [Unicode.Scalar], _ range: Range<Int>) -> String {
    var result = String.UnicodeScalarView()
    result.append(contentsOf: scalars[range])
    return String(result)
  }
}

/// Labels of a token classifier, read as `transformers`' pipeline reads them with `aggregation_strategy="first"`.
///
/// `O` is outside of all entities, `B-PER` begins an entity PER and `I-PER` goes on with it. Any other label is the name of
/// an entity as it stands (a part of speech, `LABEL_0`, `PER-B`), whose neighbours of the same name belong to it. Beyond
/// `transformers`, `E-`, `S-`, `M-`, `L-` and `U-` are prefixes where the type has a `B-` or `I-` too, and where the
/// outside is `o`, prefixes are small letters.
package struct EntityLabels {
  private enum Role { case begin, inside, end, single }
  private typealias Mark = (role: Role, type: String)

  /// nil for the outside.
  private let marks: [Mark?]

  /// The labels of a model in the order of its outputs.
  package init(_ labels: [String]) {
    let isSmall = labels.contains("o") && !labels.contains("O")
    let known = Set(labels)
    marks = labels.map { Self.mark($0, isSmall: isSmall, known: known) }
  }

  private static func mark(_ label: String, isSmall: Bool, known: Set<String>) -> Mark? {
    if label == (isSmall ? "o" : "O") { return nil }
    let scalars = label.unicodeScalars
    guard let letter = scalars.first, scalars.dropFirst().first == "-" else { return (.inside, label) }
    let type = String(scalars.dropFirst(2))
    func has(_ prefix: String) -> Bool { known.contains("\(isSmall ? prefix.lowercased() : prefix)-\(type)") }
    let isOfScheme = has("B") || has("I")
    switch isSmall ? String(letter).uppercased() : String(letter) {
    case "B": return (.begin, type)
    case "I": return (.inside, type)
    case "M" where isOfScheme: return (.inside, type)
    case "E" where isOfScheme, "L" where isOfScheme: return (.end, type)
    case "S" where isOfScheme, "U" where isOfScheme: return (.single, type)
    default: return (.inside, label)
    }
  }

  /// The entities of a run of words.
  ///
  /// - Parameter outputs: The output that each word has, nil for a word that has none and so is outside.
  package func groups(_ outputs: [Int?]) -> [(type: String, words: Range<Int>)] {
    var groups: [(type: String, words: Range<Int>)] = []
    var open: String?
    for (word, output) in outputs.enumerated() {
      guard let output, let mark = marks[output] else {
        open = nil
        continue
      }
      if open == mark.type, mark.role == .inside || mark.role == .end, let last = groups.popLast() {
        groups.append((last.type, last.words.lowerBound..<word + 1))
      } else {
        groups.append((mark.type, word..<word + 1))
      }
      open = mark.role == .end || mark.role == .single ? nil : mark.type
    }
    return groups
  }
}

/// Tagger of texts: the named entities that a token classifier finds.
public final class Tagger: @unchecked Sendable {
  // Sendable because the model is loaded for it alone and nobody trains it: a forward pass only reads.

  /// Entity of a text.
  public struct Entity: Sendable, Equatable {
    /// The label of the entity, without B- and I-.
    public let type: String
    /// The mean probability of its words' tags, 0 to 1.
    public let score: Double
    /// Text of the entity.
    public let text: String
    /// Range in the text, in Unicode scalars.
    public let range: Range<Int>
  }

  private let model: TokenizedModel
  private let predictor: EntityPredictor

  /// Loads a folder with a trained token classifier.
  ///
  /// - Throws: What loading throws; `TaskError` when the model answers something else.
  public init(directory: URL) throws {
    model = try TokenizedModel(directory.path)
    try model.check(for: EntityRecognition())
    predictor = EntityPredictor(model)
  }

  /// Finds the entities of texts; long ones are seen in overlapping windows.
  ///
  /// - Throws: `TokenizerError.truncation` when the model's length leaves no room.
  public func callAsFunction(_ texts: [String]) throws -> [[Entity]] {
    try predictor.entities(of: texts, limit: model.lengthLimit())
  }

  /// Finds the entities of one text.
  public func callAsFunction(_ text: String) throws -> [Entity] { try self([text])[0] }
}
