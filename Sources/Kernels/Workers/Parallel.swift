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
  /// Without `block`: at most one range per worker, all of nearly the same length, none shorter than `grain` unless
  /// `count` is. With `block`: ranges of that length (the last may be shorter), handed out one after the other, for
  /// work of uneven cost. The ranges depend on the arguments and `threadCount` only. A call from inside a
  /// body, or while another thread is in here, runs its ranges one after the other on its own thread.
  package static func forEach(
    _ count: Int, grain: Int = 1, block: Int? = nil, _ body: (_ range: Range<Int>) -> Void
  ) {
    guard count > 0 else { return }
    let threads = threadCount
    let ranges: Int
    if let block {
      precondition(block > 0, "A block of Parallel.forEach must be positive, found \(block).")
      ranges = (count + block - 1) / block
    } else {
      ranges = min(threads, max(1, count / max(1, grain)))
    }
    let split = RangeSplit(count: count, ranges: ranges, block: block)
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
  let count: Int
  let ranges: Int
  let block: Int?

  subscript(index: Int) -> Range<Int> {
    if let block { return index * block..<min(count, (index + 1) * block) }
    return count * index / ranges..<count * (index + 1) / ranges
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
