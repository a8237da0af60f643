/// The free parts of an arena, in order of their addresses; neighbours are joined.
struct FreeRanges {
  // A step leaves some dozens of ranges at most, so looking at all of them costs less than keeping a second order.
  private(set) var ranges: [Range<Int>] = []

  /// Takes `bytes` from the smallest range that holds them, the first of several, and says where they begin.
  mutating func take(_ bytes: Int) -> Int? {
    var best: Int?
    var bestCount = Int.max
    for index in ranges.indices {
      let count = ranges[index].count
      guard count >= bytes, count < bestCount else { continue }
      (best, bestCount) = (index, count)
      if count == bytes { break }
    }
    guard let best else { return nil }
    let start = ranges[best].lowerBound
    if bestCount == bytes {
      ranges.remove(at: best)
    } else {
      ranges[best] = start + bytes..<ranges[best].upperBound
    }
    return start
  }

  /// Takes the range that ends at `end`, if there is one, and says where it begins.
  mutating func takeLast(endingAt end: Int) -> Int? {
    guard let last = ranges.last, last.upperBound == end else { return nil }
    ranges.removeLast()
    return last.lowerBound
  }

  /// Gives a range back.
  mutating func give(_ range: Range<Int>) {
    var (low, high) = (0, ranges.count)
    while low < high {
      let middle = (low + high) / 2
      if ranges[middle].lowerBound < range.lowerBound { low = middle + 1 } else { high = middle }
    }
    let joinsBefore = low > 0 && ranges[low - 1].upperBound == range.lowerBound
    let joinsAfter = low < ranges.count && ranges[low].lowerBound == range.upperBound
    switch (joinsBefore, joinsAfter) {
    case (true, true):
      ranges[low - 1] = ranges[low - 1].lowerBound..<ranges[low].upperBound
      ranges.remove(at: low)
    case (true, false): ranges[low - 1] = ranges[low - 1].lowerBound..<range.upperBound
    case (false, true): ranges[low] = range.lowerBound..<ranges[low].upperBound
    case (false, false): ranges.insert(range, at: low)
    }
  }
}
