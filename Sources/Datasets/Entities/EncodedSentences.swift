import Kernels
public import Tokenization

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
    decided(predictions).map { filled($0.map { $0.map { Int($0) } }) }
  }

  /// The value of the token that decides each word's tag; nil for a word without a token.
  ///
  /// - Parameter values: A value of each token of each window, in the order of `windows`.
  package func decided<Value>(_ values: [[Value]]) -> [[Value?]] {
    precondition(
      values.count == windows.count,
      "\(windows.count) windows need as many predictions, found \(values.count).")
    var words = wordCounts.map { [Value?](repeating: nil, count: $0) }
    for (window, values) in zip(windows, values) {
      precondition(
        values.count == window.example.length,
        "A window of \(window.example.length) tokens has \(values.count) predictions.")
      for (token, word) in window.decidingTokens { words[window.sentence][word] = values[token] }
    }
    return words
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

extension EncodedSentences {
  /// Tokenizes sentences word by word on all cores, and lays overlapping windows over those that are too long.
  ///
  /// Each word's tag is decided by one window, the one in which it stands further from the edge. A word without a token
  /// cannot carry a tag: the entities are marked on the words that have tokens, so that none loses its beginning.
  ///
  /// - Parameters:
  ///   - sentences: Sentences with or without tags, in the scheme of `tagSet`.
  ///   - maxLength: The largest number of tokens of a window, special tokens included.
  ///   - stride: The tokens that a window repeats of the one before.
  ///   - labelAllTokens: Whether later pieces of a word carry a tag too, as `run_ner`'s `label_all_tokens`.
  ///
  /// Throws `TokenizerError.truncation` when the length leaves no room for a token, or the stride none for a new one.
  public static func encode(
    _ sentences: [TaggedSentence], tagSet: TagSet, with tokenizer: any Tokenizer, maxLength: Int, stride: Int,
    labelAllTokens: Bool = false
  ) throws(TokenizerError) -> EncodedSentences {
    let frame = SpecialFrame(of: tokenizer)
    let room = maxLength - frame.count
    guard room >= 1 else {
      throw .truncation(
        reason: "the length \(maxLength) leaves no room beside the \(frame.count) special tokens; "
          + "allow at least \(frame.count + 1)")
    }
    guard stride >= 0 && stride < room else {
      throw .truncation(
        reason:
          "the stride \(stride) must be smaller than the \(room) tokens that a window keeps of a sentence")
    }
    let pieces = WordPieces(of: sentences, with: tokenizer)
    let windows = concurrentMap(sentences.count) { index in
      let sentence = sentences[index]
      let words = sentence.words.map { Array(pieces[$0].prefix(room)) }
      let tags = sentence.tags.map {
        Self.tokenTags($0, pieceCounts: words.map(\.count), tagSet: tagSet, labelAllTokens: labelAllTokens)
      }
      return Self.windows(over: words.map(\.count), room: room, stride: stride).map { window in
        Self.window(window, sentence: index, words: words, tags: tags, frame: frame)
      }
    }
    return EncodedSentences(
      windows: Array(windows.joined()), wordCounts: sentences.map(\.words.count), tagSet: tagSet,
      labelsAllTokens: labelAllTokens)
  }

  // MARK: Parts

  private typealias Window = (words: Range<Int>, owned: Range<Int>)

  /// The tags of each word's tokens, -100 where a token has none.
  private static func tokenTags(
    _ tags: [Int], pieceCounts: [Int], tagSet: TagSet, labelAllTokens: Bool
  ) -> [[Int32]] {
    if !labelAllTokens && !pieceCounts.contains(0) {
      return zip(tags, pieceCounts).map { tag, count in
        [Int32(tag)] + Array(repeating: EncodedExample.noLabel, count: count - 1)
      }
    }
    // Entities on the scale of what carries tags: the words that have tokens, or all tokens.
    let units = labelAllTokens ? pieceCounts : pieceCounts.map { min($0, 1) }
    var starts = [0]
    for count in units { starts.append(starts[starts.count - 1] + count) }
    let entities = tagSet.entities(of: tags).compactMap { entity -> EntitySpan? in
      let range = starts[entity.words.lowerBound]..<starts[entity.words.upperBound]
      return range.isEmpty ? nil : EntitySpan(type: entity.type, words: range)
    }
    let unitTags = tagSet.tags(of: entities, count: starts[starts.count - 1])
    return pieceCounts.indices.map { word in
      let own = unitTags[starts[word]..<starts[word + 1]].map { Int32($0) }
      return own + Array(repeating: EncodedExample.noLabel, count: pieceCounts[word] - own.count)
    }
  }

  /// Windows of whole words over a sentence, as full as the room allows.
  private static func windows(over counts: [Int], room: Int, stride: Int) -> [Window] {
    var ranges: [Range<Int>] = []
    var start = 0
    while true {
      var (end, tokens) = (start, 0)
      while end < counts.count && tokens + counts[end] <= room {
        tokens += counts[end]
        end += 1
      }
      ranges.append(start..<end)
      if end == counts.count { break }
      // Step back over what both windows show, but never to where this one began, nor so far that a large next word
      // does not fit and the window shows nothing new.
      let next = min(stride, room - counts[end])
      (start, tokens) = (end, 0)
      while start - 1 > ranges[ranges.count - 1].lowerBound && tokens + counts[start - 1] <= next {
        start -= 1
        tokens += counts[start]
      }
    }
    return ranges.indices.map { index in
      let range = ranges[index]
      let first = index == 0 ? 0 : (range.lowerBound + ranges[index - 1].upperBound + 1) / 2
      let last =
        index == ranges.count - 1
        ? counts.count : (ranges[index + 1].lowerBound + range.upperBound + 1) / 2
      return (range, first..<last)
    }
  }

  private static func window(
    _ window: Window, sentence: Int, words: [[Int32]], tags: [[Int32]]?, frame: SpecialFrame
  ) -> EntityWindow {
    var example = frame.around(window.words.flatMap { words[$0] })
    var places = [Int](repeating: -1, count: frame.before.count)
    var targets = [Int32](repeating: EncodedExample.noLabel, count: frame.before.count)
    for word in window.words {
      let count = words[word].count
      places += repeatElement(word, count: count)
      if let tags, window.owned.contains(word) {
        targets += tags[word]
      } else {
        targets += repeatElement(EncodedExample.noLabel, count: count)
      }
    }
    places += repeatElement(-1, count: frame.after.count)
    targets += repeatElement(EncodedExample.noLabel, count: frame.after.count)
    if tags != nil { example.target = .tags(targets) }
    return EntityWindow(example: example, sentence: sentence, words: places, owned: window.owned)
  }
}

/// Window of a sentence that a model sees at once: all of it, or a part where the sentence is longer than the model
/// allows.
public struct EntityWindow: Sendable, Hashable {
  /// The tokens; the target is one tag a token, -100 for special tokens, later pieces of a word and words that another
  /// window decides.
  public var example: EncodedExample
  /// The position of the sentence in the data set.
  public let sentence: Int
  /// The word that each token belongs to, -1 for special tokens [length].
  public let words: [Int]
  /// The words whose tags this window decides: those of a sentence's windows follow each other without gap or overlap.
  public let owned: Range<Int>

  /// The tokens that decide tags: the first piece of each word the window owns, in order.
  public var decidingTokens: [(token: Int, word: Int)] {
    var result: [(Int, Int)] = []
    var last = -1
    for (token, word) in words.enumerated() where word >= 0 && word != last {
      last = word
      if owned.contains(word) { result.append((token, word)) }
    }
    return result
  }
}

/// The tokens of single words, each cut by itself as Hugging Face does with `is_split_into_words`.
///
/// A data set has far fewer words than places, all the more where characters are the words, so each is cut once.
struct WordPieces: Sendable {
  /// A word by its bytes: Swift's strings are equal where only their normal form is, and a cased vocabulary tells such apart.
  private struct Key: Hashable {
    let word: String

    static func == (a: Key, b: Key) -> Bool { a.word.utf8.elementsEqual(b.word.utf8) }

    func hash(into hasher: inout Hasher) { for byte in word.utf8 { hasher.combine(byte) } }
  }

  private let pieces: [Key: [Int32]]

  init(of sentences: [TaggedSentence], with tokenizer: any Tokenizer) {
    var keys: Set<Key> = []
    for sentence in sentences { for word in sentence.words { keys.insert(Key(word: word)) } }
    let words = keys.map(\.word)
    let tokenizer = tokenizer.forSplitWords
    let encoded = concurrentMap(words.count) {
      tokenizer.encodeIDs(words[$0], addSpecialTokens: false).ids
    }
    pieces = Dictionary(zip(words.map(Key.init), encoded)) { first, _ in first }
  }

  /// The tokens of a word, none for one that normalises to nothing; an empty one has none either, though a byte-level
  /// tokenizer puts a space before words.
  subscript(word: String) -> [Int32] { word.isEmpty ? [] : pieces[Key(word: word)] ?? [] }
}
