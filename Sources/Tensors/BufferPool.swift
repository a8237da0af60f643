import Kernels
import Synchronization

/// Keeps freed buffers for the next operation of a similar size, so that a warm step allocates nothing.
///
/// Sizes are rounded up to one of eight steps a power of two (at most 12.5 % waste), which lets batches of slightly
/// different token counts share buffers; without an idle buffer of its own class a tensor takes a larger one. Fresh
/// buffers come page-aligned from the system; idle ones go back to it when they have been outgrown, or by `trim()`.
public final class BufferPool: Sendable {
  /// The process's pool: an allocator like malloc, so it has no place in any signature.
  public static let shared = BufferPool()

  /// One buffer and the size class it belongs to.
  package struct Block: @unchecked Sendable {
    // Sendable because a block has exactly one owner at a time: a Storage or the pool.
    let pointer: UnsafeMutablePointer<Float>
    package let capacity: Int
  }

  /// What the pool holds and has done.
  public struct Statistics: Sendable, Equatable {
    /// Buffers asked of the system since the process started.
    public var systemAllocations = 0
    /// Bytes in buffers that are in use.
    public var bytesInUse = 0
    /// Bytes in buffers that wait for their next use.
    public var bytesIdle = 0
    /// The largest value `bytesInUse` has had.
    public var peakBytesInUse = 0
  }

  private struct State {
    var idle: [Int: [Block]] = [:]
    var statistics = Statistics()
  }
  private let state = Mutex(State())

  package init() {}

  /// A snapshot of what the pool holds and has done.
  public var statistics: Statistics { state.withLock { $0.statistics } }

  /// A buffer for `count` values.
  ///
  /// A lasting one (a parameter, its gradient, an optimizer's state) never takes a larger idle buffer: the pages of the
  /// rest would stay in memory for good, unused.
  package func take(_ count: Int, lasting: Bool = false) -> Block {
    let wanted = Self.sizeClass(count)
    return state.withLock { state in
      let block =
        Self.takeIdle(wanted, slack: lasting ? 1 : Self.slack, &state) ?? Self.replaceIdle(wanted, &state)
      state.statistics.bytesInUse += block.capacity * 4
      state.statistics.peakBytesInUse = max(state.statistics.peakBytesInUse, state.statistics.bytesInUse)
      return block
    }
  }

  /// How many times larger than asked for a reused buffer may be.
  ///
  /// Only the part that is used is touched, so a large buffer costs a small tensor nothing.
  private static let slack = 8

  /// The smallest idle buffer that will do.
  private static func takeIdle(_ wanted: Int, slack: Int, _ state: inout State) -> Block? {
    var capacity = wanted
    while capacity <= slack * wanted {
      if let block = state.idle[capacity]?.popLast() {
        state.statistics.bytesIdle -= capacity * 4
        return block
      }
      capacity = sizeClass(capacity + 1)
    }
    return nil
  }

  /// A fresh buffer; the largest of the idle ones that are too small goes back to the system for it.
  ///
  /// Batches of many different lengths would otherwise leave a full set of buffers behind for every size class.
  private static func replaceIdle(_ wanted: Int, _ state: inout State) -> Block {
    let outgrown = state.idle.filter { !$0.value.isEmpty && $0.key < wanted && $0.key * slack >= wanted }
    if let capacity = outgrown.keys.max(), let block = state.idle[capacity]?.popLast() {
      state.statistics.bytesIdle -= capacity * 4
      UnsafeMutableRawPointer(block.pointer).deallocate()
    }
    state.statistics.systemAllocations += 1
    let bytes = wanted * 4
    let raw = WorkProfile.time(.allocation) {
      UnsafeMutableRawPointer.allocate(byteCount: bytes, alignment: bytes >= 4096 ? 4096 : 64)
    }
    return Block(pointer: raw.bindMemory(to: Float.self, capacity: wanted), capacity: wanted)
  }

  package func give(_ block: Block) {
    state.withLock { state in
      state.statistics.bytesInUse -= block.capacity * 4
      state.statistics.bytesIdle += block.capacity * 4
      state.idle[block.capacity, default: []].append(block)
    }
  }

  /// Returns every idle buffer to the system.
  public func trim() {
    state.withLock { state in
      for blocks in state.idle.values {
        for block in blocks { UnsafeMutableRawPointer(block.pointer).deallocate() }
      }
      state.idle.removeAll()
      state.statistics.bytesIdle = 0
    }
  }

  /// The smallest size class that holds `count` values: k · 2^e with k in 8 ..< 16, at least 16.
  package static func sizeClass(_ count: Int) -> Int {
    if count <= 16 { return 16 }
    let exponent = (Int.bitWidth - 1 - count.leadingZeroBitCount) - 3
    let step = 1 << exponent
    return (count + step - 1) / step * step
  }
}
