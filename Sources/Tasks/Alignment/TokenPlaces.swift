import Datasets
import Tokenization

/// Places of an example's tokens in what they were made of.
struct TokenPlaces {
  /// Place of one token: a stretch of Unicode scalars of one text, or a special token around the texts.
  struct Place {
    /// The text (or the word, where words are cut one by one); negative for special tokens.
    let text: Int
    /// The stretch; empty for special tokens, and for tokens of what the tokenizer itself put there.
    let range: Range<Int>
  }

  /// Special tokens by where they stand: before, between and behind the texts.
  private enum Gap { static let before = -3, between = -2, behind = -1 }

  /// The places of all tokens in order.
  let places: [Place]

  /// - Parameters:
  ///   - texts: The text of each token, nil for special tokens.
  ///   - offsets: Where each token lies in its text.
  init(texts: [Int?], offsets: [Range<Int>]) {
    let last = texts.lastIndex { $0 != nil } ?? 0
    let first = texts.firstIndex { $0 != nil } ?? 1
    places = zip(texts, offsets).enumerated().map { token, pair in
      if let text = pair.0 { return Place(text: text, range: pair.1) }
      return Place(text: token < first ? Gap.before : token > last ? Gap.behind : Gap.between, range: 0..<0)
    }
  }

  init(_ encoding: Encoding) { self.init(texts: encoding.sequenceIndex, offsets: encoding.offsets) }

  var count: Int { places.count }

  /// The tokens of another side that lie over each of these: share a character, or stand in the same gap.
  func tokens(of other: TokenPlaces) -> [Range<Int32>] {
    var result = [Range<Int32>](repeating: 0..<0, count: count)
    let (own, theirs) = (runs, other.runs)
    for (text, tokens) in own {
      guard let candidates = theirs[text] else { continue }
      if text < 0 {
        for token in tokens { result[token] = Int32(candidates.lowerBound)..<Int32(candidates.upperBound) }
        continue
      }
      var first = candidates.lowerBound
      for token in tokens where !places[token].range.isEmpty {
        let range = places[token].range
        while first < candidates.upperBound, other.places[first].range.upperBound <= range.lowerBound {
          first += 1
        }
        var end = first
        while end < candidates.upperBound, other.places[end].range.lowerBound < range.upperBound { end += 1 }
        result[token] = Int32(first)..<Int32(end)
      }
    }
    return result
  }

  /// The tokens of each text and gap, which stand together.
  var runs: [Int: Range<Int>] {
    var runs: [Int: Range<Int>] = [:]
    for (token, place) in places.enumerated() {
      runs[place.text] = (runs[place.text]?.lowerBound ?? token)..<token + 1
    }
    return runs
  }

  /// Whether some text ends earlier here than on another side, which then has seen more.
  func endsBefore(_ other: TokenPlaces) -> Bool {
    func ends(_ places: TokenPlaces) -> [Int: Int] {
      var ends: [Int: Int] = [:]
      for place in places.places where place.text >= 0 {
        ends[place.text] = max(ends[place.text] ?? 0, place.range.upperBound)
      }
      return ends
    }
    let own = ends(self)
    return ends(other).contains { text, end in end > own[text] ?? 0 }
  }
}
