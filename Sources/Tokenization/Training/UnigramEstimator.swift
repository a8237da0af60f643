import Foundation
import Kernels

/// Estimator of the probabilities of pieces by expectation and maximisation, and chooser of those that can go.
///
/// The formulas and their order are those of `tokenizers`' `UnigramTrainer` (after Kudo 2018 and SentencePiece). Sums over
/// words are taken in a fixed number of parts, so results do not depend on the number of cores.
struct UnigramEstimator {
  /// Share of the pieces that stay when some go.
  let shrinkingFactor: Double
  /// The numbers of the pieces that are left, in order.
  private(set) var pieces: [Int]
  /// The logarithm of each piece's probability; of pieces that are gone not a number.
  private(set) var scores: [Double]

  private let words: [(scalars: [UInt32], count: Int)]
  private let seeds: SeedPieces
  private let trie: SeedTrie
  private let threads: Int?

  /// The score of what no piece spells lies so far below the smallest.
  private static let unknownPenalty = 10.0
  /// Pieces that are expected less often go.
  private static let smallestFrequency = 0.5
  private static let parts = 8

  init(
    _ words: [(scalars: [UInt32], count: Int)], _ seeds: SeedPieces, shrinkingFactor: Double, threads: Int?
  ) {
    (self.words, self.seeds, self.shrinkingFactor, self.threads) = (words, seeds, shrinkingFactor, threads)
    pieces = Array(seeds.pieces.indices)
    scores = seeds.pieces.map(\.score)
    var trie = SeedTrie(capacity: seeds.pieces.count * 2)
    for (index, piece) in seeds.pieces.enumerated() { trie.insert(seeds.scalars(piece), Int32(index)) }
    self.trie = trie
  }

  /// The smallest score.
  var smallestScore: Double { pieces.reduce(.infinity) { min($0, scores[$1]) } }

  /// The number of pieces with the one that stands for what no piece spells.
  private var count: Int { pieces.count + 1 }

  /// One round: how often each piece is expected, then its probability anew; rare pieces go.
  ///
  /// The digamma function in place of the logarithm makes rare pieces rarer (Liang and Klein 2007).
  mutating func estimate() {
    let expected = expectedCounts()
    var kept: [Int] = []
    var sum = 0.0
    for piece in pieces {
      if expected[piece] < Self.smallestFrequency {
        scores[piece] = .nan
        continue
      }
      kept.append(piece)
      sum += expected[piece]
    }
    pieces = kept
    let total = digamma(sum)
    for piece in pieces { scores[piece] = digamma(expected[piece]) - total }
  }

  /// Removes the pieces without which the words' likelihood falls least, until `size` are left or their share of all.
  ///
  /// As in `tokenizers` 0.23, the sum of frequencies without a piece counts that of the piece as often as there are pieces,
  /// where SentencePiece counts it as often as the piece has parts, which keeps other pieces.
  mutating func prune(to size: Int) {
    let best = bestCounts()
    let total = Double(words.reduce(0) { $0 + $1.count })
    let sum = best.reduce(0, +)
    let logSum = log(sum)
    let alternatives = alternatives()
    var kept: [Int] = []
    var candidates: [(piece: Int, loss: Double)] = []
    for (piece, alternative) in zip(pieces, alternatives) {
      let frequency = best[piece]
      switch alternative {
      case .better: if frequency > 0 { kept.append(piece) }
      case .none: kept.append(piece)
      case .pieces(let others):
        if frequency == 0 { continue }
        let logSumWithout = log(sum + frequency * Double(pieces.count))
        let logWithout = others.reduce(0) {
          $0 + log(best[$1 < 0 ? scores.count : $1] + frequency) - logSumWithout
        }
        candidates.append((piece, frequency / total * (log(frequency) - logSum - logWithout)))
      }
    }
    let goal = max(size, Int(Double(count) * shrinkingFactor))
    // Equal losses leave the order of the pieces.
    let ranked = candidates.enumerated().sorted {
      ($1.element.loss, $0.offset) < ($0.element.loss, $1.offset)
    }
    for (_, candidate) in ranked {
      if kept.count + 1 >= goal { break }
      kept.append(candidate.piece)
    }
    let stays = Set(kept)
    for piece in pieces where !stays.contains(piece) { scores[piece] = .nan }
    pieces = kept
  }

  // MARK: Words

  /// How often each piece is expected, over all ways to cut each word.
  private func expectedCounts() -> [Double] {
    let unknown = smallestScore - Self.unknownPenalty
    return sum { range in
      var expected = [Double](repeating: 0, count: scores.count)
      var lattice = PieceLattice()
      for index in range {
        lattice.fill(words[index].scalars, trie, scores, unknown: unknown)
        lattice.addExpectations(of: Double(words[index].count), to: &expected)
      }
      return expected
    }
  }

  /// How often each piece occurs in the best cuts of all words, and behind them how often none spells a character.
  private func bestCounts() -> [Double] {
    let unknown = smallestScore - Self.unknownPenalty
    return sum { range in
      var counts = [Double](repeating: 0, count: scores.count + 1)
      var lattice = PieceLattice()
      for index in range {
        lattice.fill(words[index].scalars, trie, scores, unknown: unknown)
        for piece in lattice.best() { counts[piece < 0 ? scores.count : piece] += Double(words[index].count) }
      }
      return counts
    }
  }

  /// The sum of what parts of the words give, in their order.
  private func sum(_ body: @Sendable (Range<Int>) -> [Double]) -> [Double] {
    let parts = concurrentMap(Self.parts, threads: threads) { part in
      body(words.count * part / Self.parts..<words.count * (part + 1) / Self.parts)
    }
    var total = [Double](repeating: 0, count: parts[0].count)
    for part in parts { for index in total.indices { total[index] += part[index] } }
    return total
  }

  /// Way to spell a piece by others.
  private enum Alternative: Sendable {
    /// A character has none.
    case none
    /// The others are as probable as the piece.
    case better
    /// The others, negative where no piece spells a character.
    case pieces([Int])
  }

  /// The best way to spell each piece by others.
  private func alternatives() -> [Alternative] {
    let unknown = smallestScore - Self.unknownPenalty
    return concurrentMap(pieces.count, threads: threads) { index -> Alternative in
      let piece = pieces[index]
      let scalars = Array(seeds.scalars(seeds.pieces[piece]))
      if scalars.count == 1 { return .none }
      var lattice = PieceLattice()
      lattice.fill(scalars, trie, scores, unknown: unknown, without: piece)
      let others = lattice.best()
      return lattice.bestScore >= scores[piece] ? .better : .pieces(others)
    }
  }
}

/// Ways to cut one word into pieces; one lattice serves many words.
struct PieceLattice {
  /// Piece at a place of the word, negative for what no piece spells.
  private struct Edge {
    var piece: Int32
    var length: Int32
    var score: Double
  }

  private var count = 0
  private var edges: [Edge] = []
  /// The first edge of each place, then the number of all.
  private var starts: [Int] = []
  private var forward: [Double] = []
  private var backward: [Double] = []
  /// The edge that ends the best cut up to each place.
  private var last: [Int] = []

  /// The logarithm of the probability of the best cut, after `best()`.
  private(set) var bestScore = 0.0

  /// Looks up the pieces of a word.
  ///
  /// - Parameters:
  ///   - unknown: the score of a character that is no piece.
  ///   - excluded: a piece that does not count.
  mutating func fill(
    _ word: [UInt32], _ trie: SeedTrie, _ scores: [Double], unknown: Double,
    without excluded: Int = -1
  ) {
    count = word.count
    let word = word.span
    edges.removeAll(keepingCapacity: true)
    starts.removeAll(keepingCapacity: true)
    for place in 0..<count {
      starts.append(edges.count)
      var isSpelled = false
      trie.forEachPiece(in: word, at: place, upTo: count) { piece, length in
        let score = scores[piece]
        if score.isNaN || piece == excluded { return }
        edges.append(Edge(piece: Int32(piece), length: Int32(length), score: score))
        if length == 1 { isSpelled = true }
      }
      if !isSpelled { edges.append(Edge(piece: -1, length: 1, score: unknown)) }
    }
    starts.append(edges.count)
  }

  /// Adds how often each piece is expected in so many occurrences of the word.
  mutating func addExpectations(of frequency: Double, to expected: inout [Double]) {
    forward = [Double](repeating: .nan, count: count + 1)
    backward = [Double](repeating: .nan, count: count + 1)
    forward[0] = 0
    for place in 0..<count {
      for edge in edges[starts[place]..<starts[place + 1]] {
        let end = place + Int(edge.length)
        forward[end] = Self.logSum(forward[end], edge.score + forward[place])
      }
    }
    backward[count] = 0
    for place in (0..<count).reversed() {
      for edge in edges[starts[place]..<starts[place + 1]] {
        backward[place] = Self.logSum(backward[place], edge.score + backward[place + Int(edge.length)])
      }
    }
    let all = forward[count]
    for place in 0..<count {
      for edge in edges[starts[place]..<starts[place + 1]] where edge.piece >= 0 {
        expected[Int(edge.piece)] +=
          frequency * exp(forward[place] + edge.score + backward[place + Int(edge.length)] - all)
      }
    }
  }

  /// The pieces of the best cut, negative where no piece spells a character.
  mutating func best() -> [Int] {
    forward = [Double](repeating: .nan, count: count + 1)
    last = [Int](repeating: -1, count: count + 1)
    forward[0] = 0
    for place in 0..<count {
      for index in starts[place]..<starts[place + 1] {
        let end = place + Int(edges[index].length)
        let score = forward[place] + edges[index].score
        if last[end] < 0 || score > forward[end] { (forward[end], last[end]) = (score, index) }
      }
    }
    bestScore = forward[count]
    var pieces: [Int] = []
    var place = count
    while place > 0 {
      let edge = edges[last[place]]
      pieces.append(Int(edge.piece))
      place -= Int(edge.length)
    }
    return pieces.reversed()
  }

  /// log(eˣ + eʸ), where x not being a number stands for nothing so far.
  private static func logSum(_ x: Double, _ y: Double) -> Double {
    if x.isNaN { return y }
    let (smaller, larger) = x > y ? (y, x) : (x, y)
    // Beyond this the smaller one does not show in 64 bits.
    return larger > smaller + 50 ? larger : larger + log(exp(smaller - larger) + 1)
  }
}

/// The digamma function by recurrence up to 7 and its asymptotic series.
func digamma(_ argument: Double) -> Double {
  var x = argument
  var result = 0.0
  while x < 7 {
    result -= 1 / x
    x += 1
  }
  x -= 0.5
  let square = 1 / (x * x)
  let fourth = square * square
  return result + log(x) + square / 24 - 7 / 960 * fourth + 31 / 8064 * fourth * square
    - 127 / 30720 * fourth * fourth
}
