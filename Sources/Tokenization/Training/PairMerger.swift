/// Merger of the most frequent pair of neighbouring pieces in a list of counted words, again and again.
struct PairMerger {
  /// All pieces so far.
  var pieces: PieceTable
  /// The pairs that were merged, in order.
  private(set) var merged: [Pair] = []
  private let prefix: [UInt8]
  private var words: [[Int32]] = []
  private var counts: [Int] = []
  /// The count of each pair.
  ///
  /// A pair that has been merged keeps its count, as in `tokenizers`: should it arise again from other merges, it goes on
  /// from there.
  private var pairCounts: [Pair: Int] = [:]
  private var queue = PairQueue()

  init(prefix: [UInt8], pieces: PieceTable) {
    self.prefix = prefix
    self.pieces = pieces
  }

  /// Adds a word with the number of times it occurs.
  mutating func add(_ word: [Int32], count: Int) {
    words.append(word)
    counts.append(count)
  }

  /// Merges pairs until there are `size` pieces or no pair is frequent enough; of equally frequent pairs the one with
  /// the smaller numbers comes first.
  mutating func merge(until size: Int, minimumFrequency: Int) {
    var places: [Pair: [Int32]] = [:]
    for (index, word) in words.enumerated() {
      for (first, second) in zip(word, word.dropFirst()) {
        let pair = Pair(first, second)
        pairCounts[pair, default: 0] += counts[index]
        Self.note(Int32(index), &places[pair, default: []])
      }
    }
    enqueue(places)
    while pieces.count < size, var top = queue.pop() {
      let count = pairCounts[top.pair] ?? 0
      if top.count != count {
        top.count = count
        queue.push(top)
        continue
      }
      if count < 1 || count < minimumFrequency { break }
      apply(top)
    }
  }

  /// Merges a pair in all words where it was seen, and enqueues the pairs that arise.
  private mutating func apply(_ top: PairQueue.Entry) {
    merged.append(top.pair)
    let (first, second) = (top.pair.first, top.pair.second)
    var rest = pieces.spellings[Int(second)][...]
    if rest.starts(with: prefix) { rest = rest.dropFirst(prefix.count) }
    let merged = pieces.id(adding: pieces.spellings[Int(first)] + rest)
    var places: [Pair: [Int32]] = [:]
    for place in top.places {
      let count = counts[Int(place)]
      var word = words[Int(place)]
      words[Int(place)] = []
      var index = 0
      while index + 1 < word.count {
        if word[index] == first, word[index + 1] == second {
          word[index] = merged
          word.remove(at: index + 1)
          if index > 0 {
            pairCounts[Pair(word[index - 1], first), default: 0] -= count
            let new = Pair(word[index - 1], merged)
            pairCounts[new, default: 0] += count
            Self.note(place, &places[new, default: []])
          }
          if index + 1 < word.count {
            pairCounts[Pair(second, word[index + 1]), default: 0] -= count
            let new = Pair(merged, word[index + 1])
            pairCounts[new, default: 0] += count
            Self.note(place, &places[new, default: []])
          }
        }
        index += 1
      }
      words[Int(place)] = word
    }
    enqueue(places)
  }

  private mutating func enqueue(_ places: [Pair: [Int32]]) {
    for (pair, places) in places {
      let count = pairCounts[pair] ?? 0
      if count > 0 { queue.push(PairQueue.Entry(pair: pair, count: count, places: places)) }
    }
  }

  /// Words are visited in order, so looking at the last place is enough to keep each once.
  private static func note(_ place: Int32, _ places: inout [Int32]) {
    if places.last != place { places.append(place) }
  }
}

/// Pair of neighbouring pieces.
struct Pair: Hashable, Comparable {
  private let bits: UInt64

  init(_ first: Int32, _ second: Int32) {
    bits = UInt64(UInt32(bitPattern: first)) << 32 | UInt64(UInt32(bitPattern: second))
  }

  var first: Int32 { Int32(truncatingIfNeeded: bits >> 32) }
  var second: Int32 { Int32(truncatingIfNeeded: bits) }

  static func < (a: Pair, b: Pair) -> Bool { a.bits < b.bits }
}

/// Pairs in order of falling count, equal counts in order of the pair: a binary heap.
struct PairQueue {
  struct Entry {
    var pair: Pair
    var count: Int
    /// The words in which the pair was seen.
    var places: [Int32]

    fileprivate func precedes(_ other: Entry) -> Bool {
      count != other.count ? count > other.count : pair < other.pair
    }
  }

  private var heap: [Entry] = []

  mutating func push(_ entry: Entry) {
    heap.append(entry)
    var index = heap.count - 1
    while index > 0 {
      let parent = (index - 1) / 2
      if !heap[index].precedes(heap[parent]) { break }
      heap.swapAt(index, parent)
      index = parent
    }
  }

  mutating func pop() -> Entry? {
    guard let top = heap.first, let last = heap.popLast() else { return nil }
    if heap.isEmpty { return top }
    heap[0] = last
    var index = 0
    while true {
      var best = index
      for child in [2 * index + 1, 2 * index + 2] where child < heap.count && heap[child].precedes(heap[best])
      {
        best = child
      }
      if best == index { return top }
      heap.swapAt(index, best)
      index = best
    }
  }
}

/// The pieces of a growing vocabulary, numbered in the order they came.
struct PieceTable {
  private(set) var spellings: [[UInt8]] = []
  private var ids: [[UInt8]: Int32] = [:]

  var count: Int { spellings.count }

  /// The number of a piece, which is added if it is new.
  mutating func id(adding spelling: [UInt8]) -> Int32 {
    if let id = ids[spelling] { return id }
    let id = Int32(spellings.count)
    spellings.append(spelling)
    ids[spelling] = id
    return id
  }
}
