import Dispatch

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
