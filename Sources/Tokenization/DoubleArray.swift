/// Builder of a double array (Aoe 1989), in which a trie takes a step by one addition and one comparison.
struct DoubleArrayBuilder {
  /// A slot of the double array.
  struct Node: Sendable {
    /// The child along byte c lies in slot base + c, if it exists.
    var base: Int32 = 0
    /// The parent's slot, -1 for a free one.
    var check: Int32 = -1
  }

  private var nodes: [Node]
  /// Free slots form a doubly linked list through these two, in ascending order.
  private var nextFree: [Int32]
  private var previousFree: [Int32]
  private var firstFree: Int32 = -1
  private var lastFree: Int32 = -1

  /// The number of places that are tried for a node with several children before the array is made longer.
  private static let patience = 48
  /// The number of slots at the beginning that stay empty but for roots: nodes without children have base 0 and find no
  /// match there.
  private static let rootCount = 256

  /// - Parameter expectedCount: About how many nodes there will be.
  init(expectedCount: Int) {
    let expected = max(1024, expectedCount + expectedCount / 8)
    nodes = [Node](repeating: Node(), count: Self.rootCount)
    nextFree = [Int32](repeating: -1, count: Self.rootCount)
    previousFree = nextFree
    nodes.reserveCapacity(expected + expected / 2)
    nextFree.reserveCapacity(expected + expected / 2)
    previousFree.reserveCapacity(expected + expected / 2)
    extend(to: expected)
  }

  /// Adds the children of a slot, all of them at once.
  ///
  /// - Parameter bytes: The bytes that lead to them, each once.
  /// - Returns: The base: the child along byte c gets slot base + c.
  mutating func add(_ bytes: [Int], below parent: Int) -> Int {
    let base = place(for: bytes)
    nodes[parent].base = Int32(base)
    for byte in bytes { take(base + byte, parent: Int32(parent)) }
    return base
  }

  /// The slots; any base + byte is an index of one, so that a look-up needs no test.
  consuming func finish() -> [Node] {
    extend(to: nodes.count + 256)
    return nodes
  }

  /// A base at which all the bytes fall on free slots.
  private mutating func place(for bytes: [Int]) -> Int {
    let smallest = bytes.min() ?? 0
    var candidate = firstFree
    var attempts = 0
    while candidate >= 0, attempts < Self.patience {
      let place = Int(candidate) - smallest
      if place >= 0 {
        if place + 256 > nodes.count { extend(to: nodes.count + 4096) }
        if bytes.allSatisfy({ nodes[place + $0].check < 0 }) { return place }
        attempts += 1
      }
      candidate = nextFree[Int(candidate)]
    }
    let place = nodes.count
    extend(to: nodes.count + 512)
    return place
  }

  private mutating func take(_ slot: Int, parent: Int32) {
    nodes[slot].check = parent
    let (previous, next) = (previousFree[slot], nextFree[slot])
    if previous >= 0 { nextFree[Int(previous)] = next } else { firstFree = next }
    if next >= 0 { previousFree[Int(next)] = previous } else { lastFree = previous }
  }

  private mutating func extend(to count: Int) {
    for slot in nodes.count..<max(count, nodes.count) {
      nodes.append(Node())
      nextFree.append(-1)
      previousFree.append(lastFree)
      if lastFree >= 0 { nextFree[Int(lastFree)] = Int32(slot) } else { firstFree = Int32(slot) }
      lastFree = Int32(slot)
    }
  }
}
