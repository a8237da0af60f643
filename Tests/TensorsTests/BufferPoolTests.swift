import Tensors
import Testing

@Suite struct BufferPoolTests {
  @Test func sizeClassesHoldWhatWasAskedFor() {
    for count in Array(0...5000) + [1_000_000, 1 << 24, (1 << 24) + 1] {
      let capacity = BufferPool.sizeClass(count)
      #expect(capacity >= count && capacity <= max(16, count + count / 8))
      #expect(BufferPool.sizeClass(capacity) == capacity)
    }
  }

  @Test func idleBuffersServeTheNextRequestOfTheirClass() {
    let pool = BufferPool()
    for _ in 0..<3 {
      let blocks = [pool.take(1000), pool.take(1000), pool.take(40)]
      for block in blocks { pool.give(block) }
    }
    #expect(pool.statistics.systemAllocations == 3)
    #expect(pool.statistics.bytesInUse == 0)
    pool.trim()
    #expect(pool.statistics.bytesIdle == 0)
  }

  @Test func aLastingBufferTakesNoLargerOne() {
    let pool = BufferPool()
    pool.give(pool.take(4000))
    let lasting = pool.take(1000, lasting: true)
    #expect(lasting.capacity == BufferPool.sizeClass(1000))
    #expect(pool.statistics.systemAllocations == 2)
    pool.give(lasting)
    pool.give(pool.take(1000, lasting: true))
    #expect(pool.statistics.systemAllocations == 2)
    pool.trim()
  }

  /// Batches of many lengths: what is held must stay near the largest step, not grow with the number of lengths.
  @Test func changingSizesDoNotPileUp() {
    let pool = BufferPool()
    let largest = 20 * 4 * BufferPool.sizeClass(1_000 * 64)
    for step in 0..<500 {
      let tokens = 50 + step * 379 % 950
      let blocks = (0..<20).map { _ in pool.take(tokens * 64) }
      for block in blocks { pool.give(block) }
    }
    // A few small buffers may stay that no later step came near enough to replace.
    #expect(pool.statistics.bytesIdle <= largest + largest / 4)
    #expect(pool.statistics.peakBytesInUse <= largest)
  }
}
