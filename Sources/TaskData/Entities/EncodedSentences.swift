/// The sentences of a data set as a model sees them, and the way back from its answers to tags of words.
public struct EncodedSentences: Sendable, Hashable {
  /// The windows, those of one sentence behind each other.
  public var windows: [EntityWindow]
  /// The number of words of each sentence.
  public let wordCounts: [Int]
  /// The tags.
  public let tagSet: TagSet
  /// Whether later pieces of a word carry a tag too, not only the first.
  public let labelsAllTokens: Bool

  /// The examples to train and predict on, one a window.
  public var examples: [EncodedExample] { windows.map(\.example) }

  /// The words of each sentence that have a token, in order: all but those that normalise to nothing.
  public var wordsWithTokens: [[Int]] {
    var words = wordCounts.map { _ in [Int]() }
    for window in windows { words[window.sentence] += window.decidingTokens.map(\.word) }
    return words
  }

  /// Puts predictions together to one tag for each word of each sentence.
  ///
  /// A word without a token (a control character, U+200B) has no prediction: it belongs to an entity that goes on
  /// behind it, and is outside otherwise. Where all pieces carry tags and the scheme marks ends, a first piece does not
  /// tell whether its word is the last of an entity; tags of words are then made of the entities that first pieces show.
  ///
  /// - Parameter predictions: The class of each token of each window, in the order of `windows`.
  /// - Returns: The class of each word of each sentence.
  public func tags(from predictions: [[Int32]]) -> [[Int]] {
    precondition(
      predictions.count == windows.count,
      "\(windows.count) windows need as many predictions, found \(predictions.count).")
    var tags = wordCounts.map { [Int?](repeating: nil, count: $0) }
    for (window, prediction) in zip(windows, predictions) {
      precondition(
        prediction.count == window.example.length,
        "A window of \(window.example.length) tokens has \(prediction.count) predictions.")
      for (token, word) in window.decidingTokens { tags[window.sentence][word] = Int(prediction[token]) }
    }
    return tags.map(filled)
  }

  private func filled(_ tags: [Int?]) -> [Int] {
    let areOfPieces = labelsAllTokens && tagSet.scheme.marksEnds
    if !tags.contains(nil) && !areOfPieces { return tags.compactMap { $0 } }
    // What is decided stays as it is, well formed or not: a word without a token changes no other's tag.
    let laid = laid(tags)
    return areOfPieces ? laid : zip(tags, laid).map { $0 ?? $1 }
  }

  private func laid(_ tags: [Int?]) -> [Int] {
    // The entities among the words that have a tag, laid over all words between their ends.
    let places = tags.indices.filter { tags[$0] != nil }
    let decided = tagSet.entities(of: tags.compactMap { $0 })
    let entities = decided.map { entity in
      EntitySpan(
        type: entity.type, words: places[entity.words.lowerBound]..<places[entity.words.upperBound - 1] + 1)
    }
    return tagSet.tags(of: entities, count: tags.count)
  }
}
