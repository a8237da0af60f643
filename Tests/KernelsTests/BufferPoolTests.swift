import Kernels
import Testing

@Suite struct BufferPoolTests {
  @Test func freedBuffersServeTheNextRequests() {
    let pool = BufferPool(capacity: 1 << 20)
    for _ in 0..<3 {
      let blocks = [pool.take(1000), pool.take(1000), pool.take(40)]
      for block in blocks { pool.give(block) }
    }
    #expect(pool.statistics.systemAllocations == 3)
    #expect(pool.statistics.bytesInUse == 0)
    pool.trim()
    #expect(pool.statistics.extent == 0)
  }

  @Test func buffersBeginAtCacheLinesAndDoNotOverlap() {
    let pool = BufferPool(capacity: 1 << 20)
    let blocks = [0, 1, 15, 16, 17, 1000, 1001].map { (pool.take($0), $0) }
    for (index, (block, count)) in blocks.enumerated() {
      #expect(UInt(bitPattern: block.pointer) % 64 == 0)
      block.pointer.update(repeating: Float(index), count: count)
    }
    for (index, (block, count)) in blocks.enumerated() {
      for place in 0..<count { #expect(block.pointer[place] == Float(index)) }
      pool.give(block)
    }
  }

  /// Two freed neighbours and the end of the arena make room for one buffer that none of them holds alone.
  @Test func freedNeighboursGrowTogether() {
    let pool = BufferPool(capacity: 1 << 20)
    let blocks = (0..<4).map { _ in pool.take(1024) }
    pool.give(blocks[2])
    pool.give(blocks[1])
    let large = pool.take(2048)
    #expect(large.pointer == blocks[1].pointer)
    #expect(pool.statistics.extent == 4 * 4096)
    pool.give(blocks[3])
    let last = pool.take(2048)
    #expect(last.pointer == blocks[3].pointer)
    #expect(pool.statistics.extent == 5 * 4096)
    for block in [blocks[0], large, last] { pool.give(block) }
  }

  @Test func lastingBuffersAreZeroAndOutsideTheArena() {
    let pool = BufferPool(capacity: 1 << 20)
    pool.give(pool.take(100_000))
    let lasting = pool.take(100_000, lasting: true)
    #expect(lasting.isZero && lasting.pointer[0] == 0 && lasting.pointer[99_999] == 0)
    #expect(pool.statistics.extent == 400_000)
    pool.give(lasting)
    #expect(pool.statistics.bytesInUse == 0)
  }

  @Test func aFullArenaFallsBackToTheSystem() {
    let pool = BufferPool(capacity: 1 << 20)
    let blocks = (0..<5).map { _ in pool.take(60_000) }
    for block in blocks { block.pointer[59_999] = 1 }
    #expect(pool.statistics.extent == 4 * 240_000)
    for block in blocks { pool.give(block) }
    #expect(pool.statistics.bytesInUse == 0)
  }

  /// Batches of many lengths: the arena must stay near the largest step, not grow with the number of lengths.
  @Test func changingSizesDoNotPileUp() {
    let pool = BufferPool(capacity: 1 << 30)
    for step in 0..<500 {
      let tokens = 50 + step * 379 % 950
      var blocks = (0..<20).map { pool.take(tokens * ($0 % 4 == 3 ? 256 : 64)) }
      // Backward: activations go from the last to the first, gradients come in between.
      while let block = blocks.popLast() {
        let gradient = pool.take(tokens * 64)
        pool.give(block)
        pool.give(gradient)
      }
    }
    let peak = pool.statistics.peakBytesInUse
    #expect(pool.statistics.extent <= peak + peak / 4)
  }
}
