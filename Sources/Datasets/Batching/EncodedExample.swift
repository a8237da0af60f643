public import Tokenization

/// One example as a model sees it: token ids with their segments, and what it should answer.
public struct EncodedExample: Sendable, Hashable {
  /// The label of an example or token that has none; losses and metrics skip it.
  public static let noLabel: Int32 = -100
  /// The numbers of tokens that a length can be.
  package static let lengths = 1...1_000_000

  /// The token ids, special tokens included [length].
  public var ids: [Int32]
  /// The segment of each token, 0 for the first text and 1 for its pair [length].
  public var segments: [Int32]
  /// The target: what the model should answer.
  public var target: ExampleTarget
  /// The place of the token with which a second sequence begins, for an example of two; nil for one of one.
  public var secondStart: Int?

  /// The index of the label, or `noLabel` where the target is not one label.
  public var label: Int32 {
    get { if case .label(let label) = target { label } else { Self.noLabel } }
    set { target = newValue == Self.noLabel ? .none : .label(newValue) }
  }

  /// An example of one or more tokens.
  public init(ids: [Int32], segments: [Int32], target: ExampleTarget = .none) {
    precondition(
      ids.count == segments.count,
      "An example needs one segment for each id, but has \(ids.count) ids and \(segments.count) segments.")
    if case .tags(let tags) = target {
      precondition(
        tags.count == ids.count,
        "An example needs one tag for each id, but has \(ids.count) ids and \(tags.count) tags.")
    }
    self.ids = ids
    self.segments = segments
    self.target = target
  }

  /// An example with one label, or with `noLabel`.
  public init(ids: [Int32], segments: [Int32], label: Int32) {
    self.init(ids: ids, segments: segments)
    self.label = label
  }

  /// An example of two sequences, each with special tokens of its own, which a model reads one beside the other.
  public init(first: EncodedExample, second: EncodedExample, target: ExampleTarget = .none) {
    self.init(ids: first.ids + second.ids, segments: first.segments + second.segments, target: target)
    secondStart = first.length
  }

  /// The number of tokens.
  public var length: Int { ids.count }

  /// The sequences as a batch packs them.
  var sequences: [(ids: [Int32], segments: [Int32])] {
    guard let secondStart else { return [(ids, segments)] }
    return [
      (Array(ids[..<secondStart]), Array(segments[..<secondStart])),
      (Array(ids[secondStart...]), Array(segments[secondStart...])),
    ]
  }
}

extension EncodedExample {
  /// Tokenizes the examples of a data set on all cores and cuts each to a length, the longer text of a pair first.
  ///
  /// - Parameters:
  ///   - examples: single texts, pairs, or both.
  ///   - maxLength: the largest number of tokens, special tokens included.
  ///
  /// Throws `TokenizerError.truncation` when the length leaves no room for the special tokens.
  public static func encode(
    _ examples: [TextExample], with tokenizer: any Tokenizer, maxLength: Int
  ) throws(TokenizerError) -> [EncodedExample] {
    // Single texts and pairs are cut apart differently, so each kind is a batch of its own.
    var encoded = [(ids: [Int32], segments: [Int32])](repeating: ([], []), count: examples.count)
    for isPair in [false, true] {
      let places = examples.indices.filter { (examples[$0].pair != nil) == isPair }
      let results = try tokenizer.encodeIDsBatch(
        places.map { examples[$0].text }, pairs: isPair ? places.compactMap { examples[$0].pair } : nil,
        truncation: Truncation(maxLength: maxLength))
      for (place, result) in zip(places, results) { encoded[place] = result }
    }
    return zip(examples, encoded).map { example, encoding in
      EncodedExample(ids: encoding.ids, segments: encoding.segments, target: example.target)
    }
  }
}

extension SpecialFrame {
  /// An example of a text's tokens in the frame.
  package func around(_ ids: [Int32]) -> EncodedExample {
    let sequence = sequence(ids)
    return EncodedExample(ids: sequence.ids, segments: sequence.segments)
  }
}
