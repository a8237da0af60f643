import ModelFormats

/// Precision, recall and F1 over entities, as `seqeval` and Hugging Face's `evaluate` report them.
///
/// An entity is right when type, first and last token are; where a ratio would divide by zero it is 0.
public struct EntityScores: Sendable {
  /// The scores of one type, or of all.
  public struct Part: Sendable, Equatable {
    /// The part of predicted entities that are right, from 0 to 1.
    public let precision: Double
    /// The part of true entities that were found, from 0 to 1.
    public let recall: Double
    /// The harmonic mean of precision and recall, from 0 to 1.
    public let f1: Double
    /// The number of true entities (seqeval's support).
    public let number: Int
  }

  /// The scores of each type among the true or predicted entities, by name.
  public let types: [(name: String, scores: Part)]
  /// The scores over all entities together (micro average).
  public let overall: Part
  /// The part of tokens whose tag is right, from 0 to 1.
  public let accuracy: Double

  /// Scores predicted tags.
  ///
  /// - Parameters:
  ///   - predictions: the predicted tags of each sentence.
  ///   - references: the true tags of each sentence.
  ///   - matching: how entities are read from tags.
  ///
  /// Throws `EvaluationError` when there are no tokens, when the counts differ, for tags that strict matching does not
  /// allow, and for empty tags.
  public init(
    predictions: [[String]], references: [[String]], matching: EntityMatching = .lenient
  ) throws(EvaluationError) {
    accuracy = try Self.accuracy(predictions, references)
    var tags = EntityTags()
    let predicted: [EntityTags.Chunk]
    let expected: [EntityTags.Chunk]
    switch matching {
    case .lenient:
      predicted = try Self.lenient(predictions, &tags)
      expected = try Self.lenient(references, &tags)
    case .strict(let named):
      let scheme: TagScheme
      if let named { scheme = named } else { scheme = try Self.scheme(of: references, &tags) }
      predicted = try Self.strict(predictions, scheme, &tags)
      expected = try Self.strict(references, scheme, &tags)
    }
    // Per type: right, predicted, true.
    var counts = [(right: Int, predicted: Int, expected: Int)](repeating: (0, 0, 0), count: tags.types.count)
    let known = Set(expected)
    for chunk in expected { counts[chunk.type].expected += 1 }
    for chunk in predicted {
      counts[chunk.type].predicted += 1
      if known.contains(chunk) { counts[chunk.type].right += 1 }
    }
    let occurring = counts.indices.filter { counts[$0].expected + counts[$0].predicted > 0 }
    types = occurring.map { (tags.types[$0], Self.part(counts[$0])) }.sorted {
      $0.0.unicodeScalars.lexicographicallyPrecedes($1.0.unicodeScalars)
    }
    overall = Self.part(
      counts.reduce((0, 0, 0)) { ($0.0 + $1.right, $0.1 + $1.predicted, $0.2 + $1.expected) })
  }

  /// JSON as `evaluate`'s seqeval returns it: an object {precision, recall, f1, number} for each type, then
  /// `overall_precision`, `overall_recall`, `overall_f1` and `overall_accuracy`.
  public var json: JSONObject {
    var object = JSONObject()
    for (name, scores) in types {
      object[name] = [
        "precision": .double(scores.precision), "recall": .double(scores.recall), "f1": .double(scores.f1),
        "number": .integer(scores.number),
      ]
    }
    object["overall_precision"] = .double(overall.precision)
    object["overall_recall"] = .double(overall.recall)
    object["overall_f1"] = .double(overall.f1)
    object["overall_accuracy"] = .double(accuracy)
    return object
  }
}

// MARK: - Counting

extension EntityScores {
  private static func accuracy(
    _ predictions: [[String]], _ references: [[String]]
  ) throws(EvaluationError) -> Double {
    precondition(
      predictions.count == references.count,
      "Scores need one row of tags for each sentence, found \(predictions.count) predicted rows and "
        + "\(references.count) true ones.")
    var right = 0
    var total = 0
    for (index, (predicted, expected)) in zip(predictions, references).enumerated() {
      guard predicted.count == expected.count else {
        throw .unequalTags(sentence: index, predicted: predicted.count, expected: expected.count)
      }
      right += zip(predicted, expected).count { $0 == $1 }
      total += expected.count
    }
    if total == 0 { throw .nothingLabelled(count: references.count) }
    return Double(right) / Double(total)
  }

  /// All sentences as one run of tags with an O between, as seqeval joins them.
  private static func lenient(
    _ sentences: [[String]], _ tags: inout EntityTags
  ) throws(EvaluationError) -> [EntityTags.Chunk] {
    var run: [EntityTags.Tag] = []
    for (sentence, names) in sentences.enumerated() {
      for (token, name) in names.enumerated() {
        guard let tag = tags.lenient(name) else {
          throw .invalidTag(name, sentence: sentence, token: token, scheme: nil)
        }
        run.append(tag)
      }
      run.append(tags.outside)
    }
    return EntityTags.lenientChunks(run)
  }

  private static func strict(
    _ sentences: [[String]], _ scheme: TagScheme, _ tags: inout EntityTags
  ) throws(EvaluationError) -> [EntityTags.Chunk] {
    var chunks: [EntityTags.Chunk] = []
    var start = 0
    for (sentence, names) in sentences.enumerated() {
      for chunk in try tags.strictChunks(names, sentence: sentence, scheme: scheme) {
        chunks.append(
          EntityTags.Chunk(
            type: chunk.type, tokens: chunk.tokens.lowerBound + start..<chunk.tokens.upperBound + start))
      }
      start += names.count
    }
    return chunks
  }

  private static func scheme(
    of sentences: [[String]], _ tags: inout EntityTags
  ) throws(EvaluationError) -> TagScheme {
    var prefixes: TagScheme.Prefixes = []
    for (sentence, names) in sentences.enumerated() {
      for (token, name) in names.enumerated() {
        guard let tag = tags.strict(name) else {
          throw .invalidTag(name, sentence: sentence, token: token, scheme: nil)
        }
        prefixes.insert(tag.prefix)
      }
    }
    guard let scheme = TagScheme.detect(prefixes) else { throw .undetectableScheme(prefixes: prefixes.names) }
    return scheme
  }

  private static func part(_ counts: (right: Int, predicted: Int, expected: Int)) -> Part {
    let precision = counts.predicted > 0 ? Double(counts.right) / Double(counts.predicted) : 0
    let recall = counts.expected > 0 ? Double(counts.right) / Double(counts.expected) : 0
    let sum = precision + recall
    return Part(
      precision: precision, recall: recall, f1: sum > 0 ? 2 * precision * recall / sum : 0,
      number: counts.expected)
  }
}

/// Matching of predicted entities with the true ones.
public enum EntityMatching: Sendable, Hashable {
  /// Lenient matching as conlleval.pl and `seqeval` by default: any well or ill formed tags, read by
  /// `Entity.lenient`.
  case lenient
  /// Strict matching as `seqeval` with `mode="strict"`: only entities that keep to the scheme; nil takes the scheme
  /// that the prefixes of the true tags show.
  case strict(TagScheme?)
}
