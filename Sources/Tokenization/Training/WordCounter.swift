/// Counts words by their bytes.
struct WordCounter: Sendable {
  private var counts: [[UInt8]: Int] = [:]

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

  /// Calls `body` with the scalars and the count of every word, in order of the words' bytes.
  func forEach(_ body: ([UInt32], Int) -> Void) {
    for (word, count) in counts.sorted(by: { $0.key.lexicographicallyPrecedes($1.key) }) {
      body(Self.scalars(word), count)
    }
  }

  /// The scalars that occur behind the first of a word, those in most different words first.
  func continuationScalars() -> [UInt32] {
    var wordCounts: [UInt32: Int] = [:]
    for word in counts.keys {
      for scalar in Set(Self.scalars(word).dropFirst()) { wordCounts[scalar, default: 0] += 1 }
    }
    return wordCounts.sorted { ($1.value, $0.key) < ($0.value, $1.key) }.map(\.key)
  }

  private static func scalars(_ word: [UInt8]) -> [UInt32] {
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
