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
  private nonisolated(unsafe) var workers: [WorkerPlace] = []
  private let caller = CallerPlace()

  /// About 20 microseconds of looking for work, longer than the gap between two regions of a step.
  private static let patience = 1_000
  /// Seconds after which who sleeps in a region looks whether another has lost its core.
  private static let lookingInterval = 0.0005

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
      caller.enter()
      while let index = claim() { perform(index) }
      caller.leave()
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
    if isOver(ranges) { return }
    // The caller's core is free now: a worker that has lost its own goes on here.
    while true {
      let before = workers.compactMap { worker in worker.runTime.map { (worker, $0) } }
      if isOver(ranges) { return }
      if let here = SystemThread.processor, let (worker, _) = before.first(where: { $0.runTime == $1 }) {
        worker.move(to: here)
      }
      if sleep(until: ranges, atMost: before.isEmpty ? nil : Self.lookingInterval) { return }
    }
  }

  /// Whether all ranges are done, after a moment of looking.
  private func isOver(_ ranges: Int) -> Bool {
    for _ in 0..<Self.patience {
      if finished.load(ordering: .acquiring) == ranges { return true }
      ps_pause()
    }
    return false
  }

  /// Sleeps until all ranges are done, and returns whether they are; nil for seconds is for ever.
  private func sleep(until ranges: Int, atMost seconds: Double?) -> Bool {
    callerCondition.lock()
    defer { callerCondition.unlock() }
    callerSleeps.store(true, ordering: .sequentiallyConsistent)
    defer { callerSleeps.store(false, ordering: .relaxed) }
    return callerCondition.wait(atMost: seconds) {
      finished.load(ordering: .sequentiallyConsistent) == ranges
    }
  }

  /// Starts threads until there are so many beside the caller.
  ///
  /// Where there are as many as processors, each stays on one of its own and the first is the caller's. The system would
  /// otherwise put two of them on one core when a foreign program keeps another busy, to be fair to the three.
  private func startWorkers(upTo count: Int) {
    if workers.count >= count { return }
    let processors = SystemThread.current.processors
    while workers.count < count {
      let home = processors.count == count + 1 ? processors[workers.count + 1] : nil
      let worker = WorkerPlace(home: home)
      let thread = Thread { [self] in work(worker) }
      thread.name = "potstill-\(workers.count + 1)"
      thread.stackSize = 4 << 20
      thread.start()
      workers.append(worker)
    }
  }

  // MARK: The workers' side

  private func work(_ place: WorkerPlace) {
    place.begin()
    while true {
      while let index = claim() {
        place.isBusy.store(true, ordering: .relaxed)
        perform(index)
        place.isBusy.store(false, ordering: .relaxed)
        if callerSleeps.load(ordering: .sequentiallyConsistent) {
          callerCondition.lock()
          callerCondition.broadcast()
          callerCondition.unlock()
        }
        place.goHome()
      }
      waitForRegion(place)
      place.goHome()
    }
  }

  private func waitForRegion(_ place: WorkerPlace) {
    if findsRegion() { return }
    // This core is free now: a caller that has lost its own goes on here.
    while let before = place.hasHome ? caller.runTime : nil {
      if findsRegion() { return }
      if let here = SystemThread.processor, caller.runTime == before, let theirs = caller.move(to: here) {
        place.live(on: theirs)
      }
      if sleep(atMost: Self.lookingInterval) { return }
    }
    _ = sleep(atMost: nil)
  }

  /// Whether there is something to do, after a moment of looking.
  private func findsRegion() -> Bool {
    for _ in 0..<Self.patience {
      if hasUnclaimed { return true }
      ps_pause()
    }
    return false
  }

  /// Sleeps until there is something to do, and returns whether there is; nil for seconds is for ever.
  private func sleep(atMost seconds: Double?) -> Bool {
    condition.lock()
    defer { condition.unlock() }
    sleepers.add(1, ordering: .sequentiallyConsistent)
    defer { sleepers.subtract(1, ordering: .relaxed) }
    return condition.wait(atMost: seconds) { hasUnclaimed }
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

extension NSCondition {
  /// Waits, with the lock held, until something is so, and returns whether it is; nil for seconds is for ever.
  fileprivate func wait(atMost seconds: Double?, until isSo: () -> Bool) -> Bool {
    let end = seconds.map { Date(timeIntervalSinceNow: $0) }
    while !isSo() {
      if let end {
        if !wait(until: end) { return isSo() }
      } else {
        wait()
      }
    }
    return true
  }
}
