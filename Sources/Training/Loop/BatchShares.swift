/// Shares of the ranks in a batch: ranges of its rows one behind the other, cut so that the ranks have about as many tokens.
///
/// Rank r begins where the tokens before it are nearest to r/W of all, so a share misses its part by half a row at either end. The
/// shares of a batch with fewer rows than ranks may be empty.
package struct BatchShares: Equatable, Sendable {
  /// The rows of each rank [W].
  package let rows: [Range<Int>]

  /// The shares of some ranks.
  ///
  /// - Parameters:
  ///   - starts: The first token of each row, then the number of tokens [B + 1].
  ///   - ranks: The number of ranks, W.
  package init(_ starts: [Int32], ranks: Int) {
    let count = starts.count - 1
    let total = Int(starts.last ?? 0)
    var bounds = [0]
    var row = 0
    for rank in 1..<max(1, ranks) {
      // Compared as whole numbers: tokens · W against rank · total.
      let goal = rank * total
      func distance(_ row: Int) -> Int { abs(Int(starts[row]) * ranks - goal) }
      while row < count, distance(row + 1) <= distance(row) { row += 1 }
      bounds.append(row)
    }
    bounds.append(max(0, count))
    rows = zip(bounds, bounds.dropFirst()).map { $0..<$1 }
  }
}
