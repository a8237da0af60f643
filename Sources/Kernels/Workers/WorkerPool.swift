import CKernels
import Foundation
import Synchronization

/// Threads that wait for the next parallel region.
///
/// A training step has about a hundred regions of some tens of microseconds, so starting one must cost about one:
/// idle workers look for work for a moment before they sleep. The caller works too and claims every range
/// that no worker has taken, so a worker that the system runs late delays nobody.
final class WorkerPool: Sendable {
  static let maximumThreads = 256

  /// A parallel region: its work and its ranges.
  ///
  /// Written by its caller while no range is claimable, read by whoever claimed one.
  private struct Region {
    var split = RangeSplit()
    var body: ((Range<Int>) -> Void)?
  }

  /// Held by the caller of the region that runs.
  private let busy = Atomic<Bool>(false)
  /// Generation (24 bits), number of ranges (20) and next unclaimed range (20) in one word: a claim is a single
  /// compare-and-swap, and a worker that comes late cannot take a range of a region that has ended.
  private let ticket = Atomic<UInt64>(0)
  private let finished = Atomic<Int>(0)
  private let sleepers = Atomic<Int>(0)
  private let callerSleeps = Atomic<Bool>(false)
  private let condition = NSCondition()
  private let callerCondition = NSCondition()
  // Guarded by `ticket` as described at Region.
  private nonisolated(unsafe) var region = Region()
  // Guarded by `busy`.
  private nonisolated(unsafe) var workers = 0

  /// About 20 microseconds of looking for work, longer than the gap between two regions of a step.
  private static let patience = 1_000

  /// Runs a region; false (and nothing done) when another one is running.
  func run(_ split: RangeSplit, threads: Int, _ body: (Range<Int>) -> Void) -> Bool {
    guard split.ranges < 1 << 20 else { return false }
    guard busy.compareExchange(expected: false, desired: true, ordering: .acquiring).exchanged else {
      return false
    }
    defer { busy.store(false, ordering: .releasing) }
    startWorkers(upTo: threads - 1)
    withoutActuallyEscaping(body) { body in
      region = Region(split: split, body: body)
      finished.store(0, ordering: .relaxed)
      publish(split.ranges)
      while let index = claim() { perform(index) }
      waitForWorkers(split.ranges)
      region.body = nil
    }
    return true
  }

  // MARK: The caller's side

  private func publish(_ ranges: Int) {
    let generation = (ticket.load(ordering: .relaxed) >> 40) &+ 1
    let fresh = (generation & 0xff_ffff) << 40 | UInt64(ranges) << 20
    ticket.store(fresh, ordering: .sequentiallyConsistent)
    guard sleepers.load(ordering: .sequentiallyConsistent) > 0 else { return }
    condition.lock()
    condition.broadcast()
    condition.unlock()
  }

  private func waitForWorkers(_ ranges: Int) {
    for _ in 0..<Self.patience {
      if finished.load(ordering: .acquiring) == ranges { return }
      ps_pause()
    }
    callerCondition.lock()
    callerSleeps.store(true, ordering: .sequentiallyConsistent)
    while finished.load(ordering: .sequentiallyConsistent) != ranges { callerCondition.wait() }
    callerSleeps.store(false, ordering: .relaxed)
    callerCondition.unlock()
  }

  private func startWorkers(upTo count: Int) {
    while workers < count {
      let thread = Thread { [self] in work() }
      thread.name = "potstill-\(workers + 1)"
      thread.stackSize = 4 << 20
      thread.start()
      workers += 1
    }
  }

  // MARK: The workers' side

  private func work() {
    while true {
      while let index = claim() {
        perform(index)
        if callerSleeps.load(ordering: .sequentiallyConsistent) {
          callerCondition.lock()
          callerCondition.broadcast()
          callerCondition.unlock()
        }
      }
      waitForRegion()
    }
  }

  private func waitForRegion() {
    for _ in 0..<Self.patience {
      if hasUnclaimed { return }
      ps_pause()
    }
    condition.lock()
    sleepers.add(1, ordering: .sequentiallyConsistent)
    while !hasUnclaimed { condition.wait() }
    sleepers.subtract(1, ordering: .relaxed)
    condition.unlock()
  }

  // MARK: Ranges

  private var hasUnclaimed: Bool {
    let word = ticket.load(ordering: .sequentiallyConsistent)
    return word & 0xf_ffff < (word >> 20) & 0xf_ffff
  }

  private func claim() -> Int? {
    var word = ticket.load(ordering: .acquiring)
    while true {
      let next = word & 0xf_ffff
      guard next < (word >> 20) & 0xf_ffff else { return nil }
      let result = ticket.compareExchange(expected: word, desired: word + 1, ordering: .acquiringAndReleasing)
      if result.exchanged { return Int(next) }
      word = result.original
    }
  }

  // Never inlined: the copy of the closure must be gone before `finished` tells the caller that it may return.
  @inline(never)
  private func call(_ index: Int) {
    region.body?(region.split[index])
  }

  private func perform(_ index: Int) {
    call(index)
    finished.add(1, ordering: .sequentiallyConsistent)
  }
}
