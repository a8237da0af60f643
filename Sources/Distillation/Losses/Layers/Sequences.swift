/// The rows of the sequences of a packed batch, empty ones left out.
struct Sequences {
  /// The rows of each sequence.
  let ranges: [Range<Int>]

  init(_ starts: [Int32]) {
    ranges = zip(starts, starts.dropFirst()).filter { $0 < $1 }.map { Int($0)..<Int($1) }
  }

  /// n_b² / Σ n², the share of each sequence in a mean over pairs of its tokens.
  var squareShares: [Float] {
    let total = ranges.reduce(0) { $0 + $1.count * $1.count }
    return ranges.map { Float($0.count * $0.count) / Float(total) }
  }

  /// n_b / Σ n, the share of each sequence in a mean over its tokens.
  var shares: [Float] {
    let total = ranges.reduce(0) { $0 + $1.count }
    return ranges.map { Float($0.count) / Float(total) }
  }
}
