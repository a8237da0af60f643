import Dispatch
import Foundation
import Synchronization

/// Parallel loops over the machine's cores; the only place where threads are used inside a step.
public enum Parallel {
  private static let chosen = Atomic<Int>(0)
  private static let pool = WorkerPool()

  /// The number of workers, at least 1.
  ///
  /// At first the value of `POTSTILL_NUM_THREADS` when that is a positive number, else the number of processors
  /// this process may use.
  public static var threadCount: Int {
    get {
      let value = chosen.load(ordering: .relaxed)
      return value > 0 ? value : initialCount
    }
    set { chosen.store(min(max(1, newValue), WorkerPool.maximumThreads), ordering: .relaxed) }
  }

  /// The largest number of workers.
  package static let maximumThreadCount = WorkerPool.maximumThreads

  private static let initialCount: Int = {
    let requested = ProcessInfo.processInfo.environment["POTSTILL_NUM_THREADS"].flatMap { Int($0) }
    guard let requested, requested > 0 else { return ProcessorCount.available }
    return min(requested, WorkerPool.maximumThreads)
  }()

  /// Covers 0 ..< count with disjoint contiguous ranges, runs `body` on each, on all cores, and returns when all are done.
  ///
  /// Workers take ranges one after the other as they come free, so a core that does something else besides delays the
  /// others by little. Without `block`: half of the work in one range a worker, then a quarter, and so on, none
  /// shorter than `grain` unless `count` is, and after the first round none shorter than `least`. With `block`: ranges
  /// of that length (the last may be shorter), for work of uneven cost. The ranges depend on the arguments and
  /// `threadCount` only. A call from inside a body, or while another thread is in here, runs its ranges one after
  /// the other on its own thread.
  ///
  /// - Parameters:
  ///   - grain: The least length that is worth waking another worker for.
  ///   - least: The least length whose range costs little more than its share of a longer one; nil for `grain`.
  package static func forEach(
    _ count: Int, grain: Int = 1, least: Int? = nil, block: Int? = nil, _ body: (_ range: Range<Int>) -> Void
  ) {
    guard count > 0 else { return }
    let threads = threadCount
    let split =
      block.map { RangeSplit(count: count, block: $0) }
      ?? RangeSplit(count: count, workers: min(threads, max(1, count / max(1, grain))), least: least ?? grain)
    let ranges = split.ranges
    if ranges == 1 { return body(split[0]) }
    guard threads > 1, !SerialRegion.isCurrent, pool.run(split, threads: threads, body) else {
      return SerialRegion.run { for index in 0..<ranges { body(split[index]) } }
    }
  }
}

extension Parallel {
  /// Sets every element to a value computed for its index, on all cores; `block` as in `forEach`.
  package static func fill<Element: Sendable>(
    _ elements: inout [Element], block: Int? = nil, _ body: (_ index: Int) -> Element
  ) {
    elements.withUnsafeMutableBufferPointer { elements in
      // Each index is one worker's alone.
      forEach(elements.count, block: block) { range in for index in range { elements[index] = body(index) } }
    }
  }
}

/// Ranges that 0 ..< count is cut into.
struct RangeSplit {
  /// The number of ranges.
  let ranges: Int
  private let count: Int
  private let form: Form

  private enum Form {
    /// Ranges of one length, the last may be shorter.
    case blocks(Int)
    /// Rounds of one range a worker, each of half of what is left; the last takes all of it.
    case rounds(Int, workers: Int)
  }

  /// More rounds than this end no sooner: the last range is a sixteenth of a worker's share by then.
  private static let mostRounds = 5

  /// No ranges of nothing.
  init() { (ranges, count, form) = (0, 0, .blocks(1)) }

  /// Ranges of one length.
  init(count: Int, block: Int) {
    precondition(block > 0, "A block of Parallel.forEach must be positive, found \(block).")
    (self.count, form, ranges) = (count, .blocks(block), (count + block - 1) / block)
  }

  /// Ranges that get shorter round by round, down to `least`.
  init(count: Int, workers: Int, least: Int) {
    var rounds = 1
    if workers > 1 {
      while rounds < Self.mostRounds, (count >> rounds) / workers >= max(1, least) { rounds += 1 }
    }
    (self.count, form, ranges) = (count, .rounds(rounds, workers: workers), rounds * workers)
  }

  subscript(index: Int) -> Range<Int> {
    switch form {
    case .blocks(let length):
      return index * length..<min(count, (index + 1) * length)
    case .rounds(let rounds, let workers):
      let (round, place) = index.quotientAndRemainder(dividingBy: workers)
      let start = count - (count >> round)
      let length = (round == rounds - 1 ? count : count - (count >> (round + 1))) - start
      return start + length * place / workers..<start + length * (place + 1) / workers
    }
  }
}

/// Mark of a thread that is in a region that runs serially.
///
/// A region that finds the pool taken runs on its own thread; without this its nested regions would go to the pool once
/// that is free again, and not stay on the thread as they do inside the pool.
package enum SerialRegion {
  private static let key: pthread_key_t = {
    var key = pthread_key_t()
    let failure = pthread_key_create(&key, nil)
    precondition(failure == 0, "The system has no thread-specific key left (error \(failure)).")
    return key
  }()

  /// Whether the calling thread is in one.
  package static var isCurrent: Bool { pthread_getspecific(key) != nil }

  /// Runs `body` as one.
  package static func run(_ body: () -> Void) {
    let outer = pthread_getspecific(key)
    pthread_setspecific(key, UnsafeRawPointer(bitPattern: 1))
    body()
    pthread_setspecific(key, outer)
  }
}

/// The results of `body` for 0 up to `count`, in order, worked out on several cores; they do not depend on the number of cores.
///
/// - Parameter threads: How many cores at most; nil for all.
package func concurrentMap<Element: Sendable>(
  _ count: Int, threads: Int? = nil, _ body: @Sendable (Int) -> Element
) -> [Element] {
  if count == 0 { return [] }
  // Blocks keep neighbours together and are small enough to even out items of different cost.
  let block = max(1, min(64, count / 8))
  let blocks = (count + block - 1) / block
  if threads == 1 || blocks == 1 { return (0..<count).map(body) }
  return [Element](unsafeUninitializedCapacity: count) { storage, initialized in
    let slots = Slots(base: storage.baseAddress)
    let workers = min(threads ?? blocks, blocks)
    DispatchQueue.concurrentPerform(iterations: workers) { worker in
      for index in stride(from: worker, to: blocks, by: workers) {
        for item in index * block..<min((index + 1) * block, count) { slots.set(item, body(item)) }
      }
    }
    initialized = count
  }
}

/// The places of the results; each is written once, by one worker.
private struct Slots<Element>: @unchecked Sendable {
  // Sendable because no two workers write to one place.
  let base: UnsafeMutablePointer<Element>?
  func set(_ index: Int, _ element: Element) { base?.advanced(by: index).initialize(to: element) }
}
