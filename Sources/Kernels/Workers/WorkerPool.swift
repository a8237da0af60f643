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
  private nonisolated(unsafe) var workers: [Worker] = []

  /// About 20 microseconds of looking for work, longer than the gap between two regions of a step.
  private static let patience = 1_000
  /// Seconds after which a caller that sleeps looks whether a worker has lost its core.
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
    let end = seconds.map { Date(timeIntervalSinceNow: $0) }
    while finished.load(ordering: .sequentiallyConsistent) != ranges {
      if let end {
        if !callerCondition.wait(until: end) { return false }
      } else {
        callerCondition.wait()
      }
    }
    return true
  }

  /// Starts threads until there are so many beside the caller.
  ///
  /// Where there are as many as processors, each stays on one of its own and the first is the caller's. The system would
  /// otherwise put two of them on one core when a foreign program keeps another busy, to be fair to the three.
  private func startWorkers(upTo count: Int) {
    if workers.count >= count { return }
    let processors = SystemThread.processors
    while workers.count < count {
      let home = processors.count == count + 1 ? processors[workers.count + 1] : nil
      let worker = Worker(home: home)
      let thread = Thread { [self] in work(worker) }
      thread.name = "potstill-\(workers.count + 1)"
      thread.stackSize = 4 << 20
      thread.start()
      workers.append(worker)
    }
  }

  // MARK: The workers' side

  private func work(_ worker: Worker) {
    worker.begin()
    while true {
      while let index = claim() {
        worker.isBusy.store(true, ordering: .relaxed)
        perform(index)
        worker.isBusy.store(false, ordering: .relaxed)
        if callerSleeps.load(ordering: .sequentiallyConsistent) {
          callerCondition.lock()
          callerCondition.broadcast()
          callerCondition.unlock()
        }
        worker.goHome()
      }
      waitForRegion()
      worker.goHome()
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

/// Worker thread as its caller sees it.
private final class Worker: Sendable {
  /// Whether it works on a range.
  let isBusy = Atomic<Bool>(false)
  /// The processor that is its own, if it has one.
  private let home: Int?
  private let isAway = Atomic<Bool>(false)
  private let thread = Mutex<SystemThread?>(nil)

  init(home: Int?) { self.home = home }

  /// The time for which it has run, if it works on a range and may be moved.
  var runTime: Int? {
    guard home != nil, isBusy.load(ordering: .relaxed) else { return nil }
    return thread.withLock { $0 }?.runTime
  }

  /// Moves it to another processor until it is done with its range.
  func move(to processor: Int) {
    thread.withLock { $0 }?.keep(on: processor)
    isAway.store(true, ordering: .sequentiallyConsistent)
  }

  // MARK: Its own side

  /// Takes its place, on the thread itself.
  func begin() {
    guard let home, let current = SystemThread.current else { return }
    current.keep(on: home)
    thread.withLock { $0 = current }
  }

  /// Goes back to its own processor if it was moved.
  func goHome() {
    guard let home, isAway.load(ordering: .relaxed), isAway.exchange(false, ordering: .acquiring) else {
      return
    }
    thread.withLock { $0 }?.keep(on: home)
  }
}
