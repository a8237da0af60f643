import Dispatch
import Foundation
import Synchronization

/// A trainer of a vocabulary: counts the words of texts, then learns from the counts.
///
/// The result depends only on the settings and the texts, not on their order nor the number of cores.
public protocol VocabularyTrainer: Sendable {
  /// The number of different words in the text fed so far.
  var wordCount: Int { get }

  /// Counts the words of many texts on several cores.
  ///
  /// - Parameter threads: how many cores at most; nil for all.
  mutating func feed(_ texts: [String], threads: Int?)

  /// Learns the tokenizer of the text fed so far.
  ///
  /// - Throws: `TokenizerError` when the settings cannot be met.
  func tokenizer() throws(TokenizerError) -> any Tokenizer
}

/// Counter of words by their bytes.
struct WordCounter: Sendable {
  private var counts: [[UInt8]: Int] = [:]

  /// A counter that has counted nothing.
  init() {}

  /// Counts the words of many texts on several cores.
  ///
  /// - Parameters:
  ///   - threads: how many cores at most; nil for all.
  ///   - count: counts the words of one text.
  init(_ texts: [String], threads: Int?, _ count: @Sendable (String, inout WordCounter) -> Void) {
    // Several parts a core even out texts of different lengths.
    let parts = min(texts.count, threads ?? 4 * ProcessInfo.processInfo.activeProcessorCount)
    let total = Mutex(WordCounter())
    DispatchQueue.concurrentPerform(iterations: parts) { part in
      var counter = WordCounter()
      for index in texts.count * part / parts..<texts.count * (part + 1) / parts {
        count(texts[index], &counter)
      }
      total.withLock { $0.add(counter) }
    }
    self = total.withLock { $0 }
  }

  /// Counts a word and empties it for the next; an empty word counts nothing.
  mutating func count(_ word: inout [UInt8]) {
    if word.isEmpty { return }
    counts[word, default: 0] += 1
    word.removeAll(keepingCapacity: true)
  }

  /// The number of different words.
  var count: Int { counts.count }

  /// Adds the counts of another counter.
  mutating func add(_ other: WordCounter) {
    if counts.isEmpty {
      counts = other.counts
    } else {
      counts.merge(other.counts, uniquingKeysWith: +)
    }
  }

  /// The words with their counts, in order of the words' bytes.
  var sorted: [(word: [UInt8], count: Int)] {
    counts.sorted { $0.key.lexicographicallyPrecedes($1.key) }.map { ($0.key, $0.value) }
  }

  /// Calls `body` with the scalars and the count of every word, in order of the words' bytes.
  func forEach(_ body: ([UInt32], Int) -> Void) {
    for (word, count) in sorted { body(Self.scalars(word), count) }
  }

  /// The scalars that occur behind the first of a word, those in most different words first.
  func continuationScalars() -> [UInt32] {
    var wordCounts: [UInt32: Int] = [:]
    for word in counts.keys {
      for scalar in Set(Self.scalars(word).dropFirst()) { wordCounts[scalar, default: 0] += 1 }
    }
    return wordCounts.sorted { ($1.value, $0.key) < ($0.value, $1.key) }.map(\.key)
  }

  static func scalars(_ word: [UInt8]) -> [UInt32] {
    var scalars: [UInt32] = []
    var position = 0
    while position < word.count {
      let (scalar, length) = word.span.scalar(at: position)
      scalars.append(scalar)
      position += length
    }
    return scalars
  }
}

extension [UInt8] {
  /// The UTF-8 form of one scalar.
  init(utf8 scalar: UInt32) {
    self = []
    append(utf8: scalar)
  }
}
