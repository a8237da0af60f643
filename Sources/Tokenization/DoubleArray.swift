/// Builder of a double array (Aoe 1989), in which a trie takes a step by one addition and one comparison.
struct DoubleArrayBuilder {
  /// A slot of the double array.
  struct Node: Sendable {
    /// The child along byte c lies in slot base + c, if it exists.
    var base: Int32 = 0
    /// The parent's slot, -1 for a free one.
    var check: Int32 = -1
  }

  /// Free slots form a doubly linked list in ascending order: `base` is the next one and `check` says the one before.
  private var nodes: [Node]
  private var firstFree: Int32 = -1
  private var lastFree: Int32 = -1
  /// Whether each slot is the base of a node already; nil where nodes may share one.
  private var isBase: [Bool]?

  /// The number of places that are tried for a node with several children before the array is made longer.
  private static let patience = 48
  /// The number of slots at the beginning that stay empty but for roots: nodes without children have base 0 and find no
  /// match there.
  private static let rootCount = 256

  /// - Parameters:
  ///   - capacity: The number of slots for which room is kept, so that the array does not move.
  ///   - sharesBases: Whether nodes may have one base, so that only `check` tells whose child lies in a slot.
  init(capacity: Int, sharesBases: Bool = true) {
    isBase = sharesBases ? nil : [Bool](repeating: false, count: Self.rootCount)
    nodes = [Node](repeating: Node(), count: Self.rootCount)
    nodes.reserveCapacity(capacity)
    extend(to: 4096)
  }

  /// Adds the children of a slot, all of them at once.
  ///
  /// - Parameter bytes: The bytes that lead to them, each once.
  /// - Returns: The base: the child along byte c gets slot base + c.
  mutating func add(_ bytes: [Int], below parent: Int) -> Int {
    let base = place(for: bytes)
    isBase?[base] = true
    nodes[parent].base = Int32(base)
    for byte in bytes { take(base + byte, parent: Int32(parent)) }
    return base
  }

  /// Adds the only child of a slot.
  ///
  /// - Returns: The child's slot.
  mutating func add(_ byte: Int, below parent: Int) -> Int {
    var candidate = firstFree
    while candidate >= 0 {
      let base = Int(candidate) - byte
      if base >= 0, isBase?[base] != true {
        if base + 256 > nodes.count { extend(to: nodes.count + 4096) }
        isBase?[base] = true
        nodes[parent].base = Int32(base)
        take(Int(candidate), parent: Int32(parent))
        return Int(candidate)
      }
      candidate = nodes[Int(candidate)].base
    }
    return add([byte], below: parent) + byte
  }

  /// The slots; any base + byte is an index of one, so that a look-up needs no test.
  consuming func finish() -> [Node] {
    extend(to: nodes.count + 256)
    var slot = Int(firstFree)
    while slot >= 0 {
      let next = Int(nodes[slot].base)
      nodes[slot] = Node()
      slot = next
    }
    return nodes
  }

  /// The free slot before a free one, as its `check` says it; both ways.
  private static func linked(_ slot: Int32) -> Int32 { -3 - slot }

  /// A base at which all the bytes fall on free slots.
  private mutating func place(for bytes: [Int]) -> Int {
    let smallest = bytes.min() ?? 0
    var candidate = firstFree
    var attempts = 0
    while candidate >= 0, attempts < Self.patience {
      let place = Int(candidate) - smallest
      if place >= 0 {
        if place + 256 > nodes.count { extend(to: nodes.count + 4096) }
        if isBase?[place] != true, bytes.allSatisfy({ nodes[place + $0].check < -1 }) { return place }
        attempts += 1
      }
      candidate = nodes[Int(candidate)].base
    }
    let place = nodes.count
    extend(to: nodes.count + 512)
    return place
  }

  private mutating func take(_ slot: Int, parent: Int32) {
    let (previous, next) = (Self.linked(nodes[slot].check), nodes[slot].base)
    nodes[slot] = Node(check: parent)
    if previous >= 0 { nodes[Int(previous)].base = next } else { firstFree = next }
    if next >= 0 { nodes[Int(next)].check = Self.linked(previous) } else { lastFree = previous }
  }

  private mutating func extend(to count: Int) {
    isBase?.append(contentsOf: repeatElement(false, count: max(0, count - nodes.count)))
    for slot in nodes.count..<max(count, nodes.count) {
      nodes.append(Node(base: -1, check: Self.linked(lastFree)))
      if lastFree >= 0 { nodes[Int(lastFree)].base = Int32(slot) } else { firstFree = Int32(slot) }
      lastFree = Int32(slot)
    }
  }
}
