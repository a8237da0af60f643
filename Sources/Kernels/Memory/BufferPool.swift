import Foundation
import Synchronization

/// Pool of the buffers of tensors in one arena, so that a warm step asks the system for nothing.
///
/// Freed neighbours grow together and serve requests of any size: batches of different lengths, and the gradients that
/// take the place of the activations of the same step, share the same pages. Buffers that last (a gradient of a
/// parameter, an optimizer's state) come from the system instead: they leave no holes, and pages that nobody writes to,
/// such as the rows of a word table that no text uses, never exist.
public final class BufferPool: Sendable {
  /// The process's pool: an allocator like malloc, so it has no place in any signature.
  public static let shared = BufferPool()

  /// One buffer, and where it came from.
  package struct Block: @unchecked Sendable {
    // Sendable because a block has exactly one owner at a time: a Storage or the pool.
    package let pointer: UnsafeMutablePointer<Float>
    package let bytes: Int
    fileprivate let origin: Origin

    /// Whether the system has just made it, all zeros.
    package var isZero: Bool {
      if case .mapping = origin { true } else { false }
    }
  }

  fileprivate enum Origin {
    case arena(offset: Int)
    case mapping(AddressRange)
    case heap
  }

  /// Statistics of the pool: memory that it holds, and the requests so far.
  public struct Statistics: Sendable, Equatable {
    /// Times that the process's memory grew: the arena's extent, or by a buffer from the system.
    public var systemAllocations = 0
    /// Bytes in buffers that are in use.
    public var bytesInUse = 0
    /// The largest value `bytesInUse` has had.
    public var peakBytesInUse = 0
    /// Bytes of the arena that have been used and not gone back to the system.
    public var extent = 0
  }

  private struct State {
    var free = FreeRanges()
    var statistics = Statistics()
  }
  private let state = Mutex(State())
  private let arena: AddressRange?

  /// A pool with an arena of at most `capacity` bytes of addresses; less where the system has not as many.
  package init(capacity: Int = 2 * Machine.memoryLimit) {
    var arena: AddressRange?
    var bytes = capacity
    while arena == nil, bytes >= 1 << 20 {
      arena = AddressRange(bytes: bytes, largePages: true)
      bytes /= 2
    }
    self.arena = arena
  }

  /// A snapshot of what the pool holds and has done.
  public var statistics: Statistics { state.withLock { $0.statistics } }

  /// A buffer for `count` values, aligned to 64 bytes; `lasting` says that it stays from step to step.
  package func take(_ count: Int, lasting: Bool = false) -> Block {
    // Whole cache lines, so that every buffer begins at one.
    let bytes = max(64, (count * 4 + 63) / 64 * 64)
    return state.withLock { state in
      state.statistics.bytesInUse += bytes
      state.statistics.peakBytesInUse = max(state.statistics.peakBytesInUse, state.statistics.bytesInUse)
      if !lasting, let block = takeFromArena(bytes, &state) { return block }
      state.statistics.systemAllocations += 1
      return WorkProfile.time(.allocation) { Self.systemBlock(bytes) }
    }
  }

  package func give(_ block: Block) {
    state.withLock { state in
      state.statistics.bytesInUse -= block.bytes
      switch block.origin {
      case .arena(let offset): state.free.give(offset..<offset + block.bytes)
      case .mapping: break  // It goes with its owner, the block.
      case .heap: UnsafeMutableRawPointer(block.pointer).deallocate()
      }
    }
  }

  /// Returns the pages of every free part of the arena to the system.
  public func trim() {
    guard let arena else { return }
    state.withLock { state in
      for range in state.free.ranges { arena.discard(range) }
      if let end = state.free.takeLast(endingAt: state.statistics.extent) { state.statistics.extent = end }
    }
  }

  /// The smallest free range that will do, else more of the arena; nil when the arena has no room left.
  private func takeFromArena(_ bytes: Int, _ state: inout State) -> Block? {
    guard let arena else { return nil }
    var offset = state.free.take(bytes)
    if offset == nil {
      // A free range at the very end is part of the answer.
      let start = state.free.takeLast(endingAt: state.statistics.extent) ?? state.statistics.extent
      guard start + bytes <= arena.bytes else {
        if start < state.statistics.extent { state.free.give(start..<state.statistics.extent) }
        return nil
      }
      state.statistics.extent = start + bytes
      state.statistics.systemAllocations += 1
      offset = start
    }
    return offset.map { Self.block(arena.base + $0, bytes, .arena(offset: $0)) }
  }

  /// Smaller lasting buffers share pages on the heap.
  private static let leastMapping = 1 << 16

  private static func systemBlock(_ bytes: Int) -> Block {
    if bytes >= leastMapping, let range = AddressRange(bytes: bytes, largePages: false) {
      return block(range.base, bytes, .mapping(range))
    }
    return block(.allocate(byteCount: bytes, alignment: 64), bytes, .heap)
  }

  private static func block(_ raw: UnsafeMutableRawPointer, _ bytes: Int, _ origin: Origin) -> Block {
    Block(pointer: raw.bindMemory(to: Float.self, capacity: bytes / 4), bytes: bytes, origin: origin)
  }
}

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
