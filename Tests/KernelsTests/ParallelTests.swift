import Foundation
import Kernels
import Synchronization
import TestSupport
import Testing

@Suite(.serialized) struct ParallelTests {
  /// The ranges that a call hands out, sorted.
  private func ranges(
    _ count: Int, grain: Int = 1, least: Int? = nil, block: Int? = nil
  ) -> [Range<Int>] {
    let found = Mutex<[Range<Int>]>([])
    Parallel.forEach(count, grain: grain, least: least, block: block) { range in
      found.withLock { $0.append(range) }
    }
    return found.withLock { $0.sorted { $0.lowerBound < $1.lowerBound } }
  }

  private func withThreads(_ count: Int, _ body: () throws -> Void) rethrows {
    try FixedThreads.run(count, body)
  }

  @Test(arguments: [1, 2, 3, 8], [0, 1, 2, 7, 100, 1001])
  func coversEverythingOnce(threads: Int, count: Int) {
    withThreads(threads) {
      for (grain, block) in [(1, nil), (10, nil), (5_000, nil), (1, 1), (1, 3), (1, 5_000)] as [(Int, Int?)] {
        let found = ranges(count, grain: grain, block: block)
        #expect(found.flatMap { Array($0) } == Array(0..<count))
        if let block {
          #expect(found.allSatisfy { $0.count == block || $0.upperBound == count })
        } else {
          #expect(found.count <= 1 || found.allSatisfy { $0.count >= grain })
        }
      }
    }
  }

  /// Half of the work in the first round, a quarter in the next: what a slow worker holds at the end is small.
  @Test func rangesShrinkFromRoundToRound() {
    withThreads(2) {
      #expect(ranges(64, least: 8).map(\.count) == [16, 16, 8, 8, 8, 8])
      #expect(ranges(1024, grain: 3).map(\.count) == [256, 256, 128, 128, 64, 64, 32, 32, 32, 32])
      #expect(ranges(100, grain: 60).map(\.count) == [100])
      #expect(ranges(100, grain: 10, least: 40).map(\.count) == [50, 50])
      #expect(ranges(3).map(\.count) == [1, 2])
    }
    withThreads(3) { #expect(ranges(12, least: 2).map(\.count) == [2, 2, 2, 2, 2, 2]) }
    withThreads(1) { #expect(ranges(1000).map(\.count) == [1000]) }
  }

  @Test func nestedCallsRunSerially() {
    withThreads(4) {
      let total = Atomic<Int>(0)
      Parallel.forEach(8, block: 1) { outer in
        let mine = Thread.current
        Parallel.forEach(100, block: 1) { inner in
          if Thread.current !== mine { total.add(1_000_000, ordering: .relaxed) }
          total.add(inner.count * outer.count, ordering: .relaxed)
        }
      }
      #expect(total.load(ordering: .relaxed) == 800)
    }
  }

  /// The same where the outer region finds the pool taken, which is released before the nested ones begin.
  @Test func nestedCallsRunSeriallyWhenTheOuterOneDid() {
    withThreads(4) {
      let total = Atomic<Int>(0)
      SerialRegion.run {
        let mine = Thread.current
        for _ in 0..<8 {
          Parallel.forEach(100, block: 1) { inner in
            if Thread.current !== mine { total.add(1_000_000, ordering: .relaxed) }
            total.add(inner.count, ordering: .relaxed)
          }
        }
        SerialRegion.run {}
        #expect(SerialRegion.isCurrent)
      }
      #expect(total.load(ordering: .relaxed) == 800)
      #expect(!SerialRegion.isCurrent)
    }
  }

  @Test func thousandsOfRegionsInARow() {
    withThreads(4) {
      let total = Atomic<Int>(0)
      for count in 0..<5_000 {
        Parallel.forEach(count % 9) { total.add($0.count, ordering: .relaxed) }
        if count % 1_000 == 0 { usleep(2_000) }  // long enough for the workers to fall asleep
      }
      #expect(total.load(ordering: .relaxed) == (0..<5_000).reduce(0) { $0 + $1 % 9 })
    }
  }

  @Test func severalThreadsMayAskAtOnce() async {
    let total = await withTaskGroup(of: Int.self) { group in
      for _ in 0..<6 {
        group.addTask {
          let sum = Atomic<Int>(0)
          for _ in 0..<300 { Parallel.forEach(50, block: 5) { sum.add($0.count, ordering: .relaxed) } }
          return sum.load(ordering: .relaxed)
        }
      }
      return await group.reduce(0, +)
    }
    #expect(total == 6 * 300 * 50)
  }

  @Test func theThreadCountIsPositive() {
    withThreads(-3) { #expect(Parallel.threadCount == 1) }
    #expect(Parallel.threadCount >= 1)
  }
}

@Suite struct MachineTests {
  @Test func probesThisMachine() {
    let machine = Machine.probe()
    #expect(machine.processors >= 1)
    #expect(machine.memory > 1 << 20)
    #expect(!machine.name.isEmpty)
    #expect(PeakMemory.residentBytes > 1 << 20)
  }
}
