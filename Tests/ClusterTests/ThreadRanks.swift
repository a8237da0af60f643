import Cluster
import Foundation
import Kernels

/// Ranks that are threads of this process: what each tells the others waits until all are there.
final class ThreadRanks: @unchecked Sendable {
  // Sendable because the condition guards everything.
  private let condition = NSCondition()
  private let size: Int
  private var given: [Int: [UInt8]] = [:]
  private var taken = 0
  private var all: [[UInt8]] = []

  init(_ size: Int) { self.size = size }

  /// Does a piece of work on every rank at once; the answers in the order of the ranks.
  func run<Answer: Sendable>(_ work: @escaping @Sendable (any Communicator) -> Answer) -> [Answer] {
    let answers = Answers<Answer>()
    let group = DispatchGroup()
    for rank in 0..<size {
      group.enter()
      Thread.detachNewThread { [self] in
        answers.set(rank, work(Member(rank: rank, size: size, world: self)))
        group.leave()
      }
    }
    group.wait()
    return answers.all(size)
  }

  fileprivate func gather(_ bytes: [UInt8], of rank: Int) -> [[UInt8]] {
    condition.lock()
    defer { condition.unlock() }
    // The exchange before must have been taken by all.
    while taken > 0 { condition.wait() }
    given[rank] = bytes
    if given.count == size {
      (all, taken) = ((0..<size).map { given[$0] ?? [] }, size)
      given = [:]
      condition.broadcast()
    } else {
      while taken == 0 { condition.wait() }
    }
    let answer = all
    taken -= 1
    if taken == 0 { condition.broadcast() }
    return answer
  }
}

private final class Answers<Answer: Sendable>: @unchecked Sendable {
  // Sendable because of its lock.
  private let lock = NSLock()
  private var known: [Int: Answer] = [:]
  func set(_ rank: Int, _ answer: Answer) { lock.withLock { known[rank] = answer } }
  func all(_ size: Int) -> [Answer] { lock.withLock { (0..<size).compactMap { known[$0] } } }
}

/// One of them.
private final class Member: Communicator {
  let rank: Int
  let size: Int
  private let world: ThreadRanks

  init(rank: Int, size: Int, world: ThreadRanks) { (self.rank, self.size, self.world) = (rank, size, world) }

  func gather(_ bytes: [UInt8]) -> [[UInt8]] { world.gather(bytes, of: rank) }
  func collect(_ bytes: [UInt8]) -> [[UInt8]] {
    let all = gather(bytes)
    return rank == 0 ? all : []
  }
  func broadcast(_ values: Storage, from root: Int) { values.assign(Storage(gather(values)[root])) }
  func broadcast(_ bytes: inout [UInt8]) { bytes = gather(bytes)[0] }
  func sum(_ values: Storage) {
    let all = gather(values)
    let sums = (0..<values.count).map { place in all.dropFirst().reduce(all[0][place]) { $0 + $1[place] } }
    values.assign(Storage(sums))
  }
  func barrier() { _ = gather([]) }

  private func gather(_ values: Storage) -> [[Float]] {
    gather(values.values.withUnsafeBytes { Array($0) }).map { bytes in
      bytes.withUnsafeBytes { Array($0.bindMemory(to: Float.self)) }
    }
  }
}
