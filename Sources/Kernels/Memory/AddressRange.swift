import Foundation

/// Addresses from the system whose pages exist, as zeros, only once they have been written to.
final class AddressRange: @unchecked Sendable {
  // Sendable because the addresses never change; who may write where is the pool's business.
  let base: UnsafeMutableRawPointer
  /// The number of addresses.
  let bytes: Int

  /// Reserves `bytes` addresses; nil when the system refuses.
  ///
  /// - Parameter largePages: Whether all of it will be written, so that the system may back it with large pages, which
  ///   take fewer faults and fewer look-ups.
  init?(bytes: Int, largePages: Bool) {
    #if os(Linux)
      let flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE
    #else
      let flags = MAP_PRIVATE | MAP_ANON | MAP_NORESERVE
    #endif
    let mapped = mmap(nil, bytes, PROT_READ | PROT_WRITE, flags, -1, 0)
    guard let mapped, mapped != MAP_FAILED else { return nil }
    self.base = mapped
    self.bytes = bytes
    #if os(Linux)
      // A wish: without it everything works, with small pages.
      if largePages { madvise(mapped, bytes, Int32(MADV_HUGEPAGE)) }
    #endif
  }

  /// Gives the whole pages of a part back to the system; they read as zeros afterwards.
  func discard(_ part: Range<Int>) {
    let page = Int(sysconf(Int32(_SC_PAGESIZE)))
    let start = (part.lowerBound + page - 1) / page * page
    let end = part.upperBound / page * page
    if start < end { madvise(base + start, end - start, Int32(MADV_DONTNEED)) }
  }

  deinit { munmap(base, bytes) }
}

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
