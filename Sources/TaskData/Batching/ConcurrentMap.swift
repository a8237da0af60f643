import Dispatch
import Synchronization

/// Computes a value for each of 0 ..< count on all cores, in order; the result does not depend on their number.
package func concurrentMap<Value: Sendable>(_ count: Int, _ body: @Sendable (Int) -> Value) -> [Value] {
  // Blocks keep neighbours together and are small enough to even out items of different cost.
  let block = max(1, min(64, count / 8))
  let blockCount = (count + block - 1) / block
  if blockCount <= 1 { return (0..<count).map(body) }
  let blocks = Mutex([[Value]](repeating: [], count: blockCount))
  DispatchQueue.concurrentPerform(iterations: blockCount) { index in
    let values = (index * block..<min((index + 1) * block, count)).map(body)
    blocks.withLock { $0[index] = values }
  }
  return blocks.withLock { Array($0.joined()) }
}
