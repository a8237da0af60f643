import Foundation

/// Pieces from which the training of a Unigram vocabulary starts: every character and the substrings of words that occur
/// more than once, with counts for scores.
///
/// They are the inner nodes of the words' suffix tree, as in SentencePiece (Kudo 2018): a substring counts where at least two
/// different characters, or the end of a word, follow it.
struct SeedPieces {
  /// Piece: a stretch of `text`, and the logarithm of its share of all scores.
  struct Piece {
    var start: Int32
    var length: Int32
    var score: Double
  }

  /// The characters of all words, with 0 behind each word.
  let text: [UInt32]
  /// The pieces: characters, the most frequent first, then substrings in order of falling count times length.
  private(set) var pieces: [Piece] = []

  /// Finds the pieces of counted words.
  ///
  /// - Parameters:
  ///   - maximumLength: the characters that a piece may have.
  ///   - limit: the number of pieces from which on no more are taken.
  init(_ words: [(scalars: [UInt32], count: Int)], maximumLength: Int, limit: Int) {
    var text: [UInt32] = []
    var characters: [UInt32: (count: Int, place: Int)] = [:]
    for (scalars, count) in words where !scalars.isEmpty {
      for scalar in scalars {
        if scalar != 0 { characters[scalar, default: (0, text.count)].count += count }
        text.append(scalar)
      }
      text.append(0)
    }
    self.text = text
    let order = characters.sorted { ($1.value.count, $1.key) < ($0.value.count, $0.key) }
    for (_, entry) in order {
      pieces.append(Piece(start: Int32(entry.place), length: 1, score: Double(entry.count)))
    }
    for substring in substrings(upTo: maximumLength) {
      pieces.append(
        Piece(
          start: substring.start, length: substring.length,
          score: Double(Int(substring.count) * Int(substring.length))))
      if pieces.count >= limit { break }
    }
    let total = log(pieces.reduce(0) { $0 + $1.score })
    for index in pieces.indices { pieces[index].score = log(pieces[index].score) - total }
  }

  /// The characters of a piece.
  func scalars(_ piece: Piece) -> ArraySlice<UInt32> {
    text[Int(piece.start)..<Int(piece.start + piece.length)]
  }

  private struct Substring {
    var start: Int32
    var length: Int32
    var count: Int32
  }

  /// The substrings of 2 up to so many characters that occur more than once, in order of falling count times length, equal
  /// ones in falling order of their characters.
  private func substrings(upTo limit: Int) -> [Substring] {
    let starts = sortedStarts(limit)
    let lengths = sharedLengths(starts, limit)
    var found: [Substring] = []
    // Stretches of suffixes that share their beginning, from the outermost in.
    var open: [(first: Int, length: Int)] = []
    for index in 0...starts.count {
      let shared = index == 0 || index == starts.count ? 0 : Int(lengths[index])
      var first = index > 0 ? index - 1 : 0
      while let last = open.last, last.length > shared {
        if last.length > 1, last.length <= limit, text[Int(starts[last.first]) + last.length - 1] != 0 {
          found.append(
            Substring(
              start: starts[last.first], length: Int32(last.length), count: Int32(index - last.first)))
        }
        first = last.first
        open.removeLast()
      }
      if shared > (open.last?.length ?? 0) { open.append((first, shared)) }
    }
    return found.sorted { a, b in
      let (scoreA, scoreB) = (Int(a.count) * Int(a.length), Int(b.count) * Int(b.length))
      return scoreA != scoreB ? scoreA > scoreB : precedes(b, a)
    }
  }

  private func precedes(_ a: Substring, _ b: Substring) -> Bool {
    let (textA, textB) = (
      text[Int(a.start)..<Int(a.start + a.length)], text[Int(b.start)..<Int(b.start + b.length)]
    )
    return textA.lexicographicallyPrecedes(textB)
  }

  /// The places of all characters in order of the text behind them, as far as the end of the word and one character beyond
  /// the longest piece.
  private func sortedStarts(_ limit: Int) -> [Int32] {
    let text = text
    let places = text.indices.filter { text[$0] != 0 }
    // Two characters and the place in one number: most comparisons end here.
    let keyed = places.map { (UInt64(text[$0]) << 32 | UInt64(text[$0 + 1]), Int32($0)) }
    return keyed.sorted { a, b in
      if a.0 != b.0 { return a.0 < b.0 }
      var (i, j, depth) = (Int(a.1), Int(b.1), 0)
      while depth <= limit, text[i] == text[j] {
        if text[i] == 0 { return false }
        (i, j, depth) = (i + 1, j + 1, depth + 1)
      }
      return depth <= limit && text[i] < text[j]
    }.map(\.1)
  }

  /// The number of characters that each suffix shares with the one before it, the end of a word included, up to one more
  /// than `limit`.
  private func sharedLengths(_ starts: [Int32], _ limit: Int) -> [UInt8] {
    var lengths = [UInt8](repeating: 0, count: starts.count)
    for index in starts.indices.dropFirst() {
      var (i, j, depth) = (Int(starts[index - 1]), Int(starts[index]), 0)
      while depth <= limit, text[i] == text[j] {
        depth += 1
        if text[i] == 0 { break }
        (i, j) = (i + 1, j + 1)
      }
      lengths[index] = UInt8(depth)
    }
    return lengths
  }
}
