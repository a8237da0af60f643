/// Places the nodes of a trie in a double array.
struct DoubleArrayLayout {
  /// Base of each slot: its children lie at base + byte.
  private(set) var base: [Int32] = []
  /// The parent's slot of each slot, -1 for a free one.
  private(set) var check: [Int32] = []
  /// The slot of each node of the trie.
  private(set) var slots: [Int32]

  /// Free slots form a doubly linked list through these two, in ascending order.
  private var nextFree: [Int32] = []
  private var previousFree: [Int32] = []
  private var firstFree: Int32 = -1
  private var lastFree: Int32 = -1

  /// How many places are tried for a node with several children before the array is made longer.
  private static let patience = 48

  init(_ trie: TrieBuilder, _ order: [Int32]) {
    slots = [Int32](repeating: 0, count: trie.count)
    // The first 256 slots stay empty but for the roots: nodes without children have base 0 and find no match there.
    base = [Int32](repeating: 0, count: 256)
    check = [Int32](repeating: -1, count: 256)
    nextFree = check
    previousFree = check
    extend(to: max(1024, trie.count + trie.count / 4))
    for root in [TrieBuilder.root, TrieBuilder.suffixRoot] { slots[Int(root)] = root }
    var children: [Int32] = []
    for node in order {
      children.removeAll(keepingCapacity: true)
      var child = trie.firstChild[Int(node)]
      while child >= 0 {
        children.append(child)
        child = trie.nextSibling[Int(child)]
      }
      if children.isEmpty { continue }
      let bytes = children.map { Int(trie.bytes[Int($0)]) }
      let parent = slots[Int(node)]
      let place = place(for: bytes)
      base[Int(parent)] = Int32(place)
      for (child, byte) in zip(children, bytes) {
        slots[Int(child)] = Int32(place + byte)
        take(place + byte, parent: parent)
      }
    }
    // Any base + byte must be a valid index, so that a look-up needs no test.
    extend(to: base.count + 256)
  }

  /// A base at which all the bytes fall on free slots.
  private mutating func place(for bytes: [Int]) -> Int {
    let smallest = bytes.min() ?? 0
    var candidate = firstFree
    var attempts = 0
    while candidate >= 0, attempts < Self.patience {
      let place = Int(candidate) - smallest
      if place >= 0 {
        if place + 256 > base.count { extend(to: base.count + 4096) }
        if bytes.allSatisfy({ check[place + $0] < 0 }) { return place }
        attempts += 1
      }
      candidate = nextFree[Int(candidate)]
    }
    let place = base.count
    extend(to: base.count + 512)
    return place
  }

  private mutating func take(_ slot: Int, parent: Int32) {
    check[slot] = parent
    let (previous, next) = (previousFree[slot], nextFree[slot])
    if previous >= 0 { nextFree[Int(previous)] = next } else { firstFree = next }
    if next >= 0 { previousFree[Int(next)] = previous } else { lastFree = previous }
  }

  private mutating func extend(to count: Int) {
    for slot in base.count..<max(count, base.count) {
      base.append(0)
      check.append(-1)
      nextFree.append(-1)
      previousFree.append(lastFree)
      if lastFree >= 0 { nextFree[Int(lastFree)] = Int32(slot) } else { firstFree = Int32(slot) }
      lastFree = Int32(slot)
    }
  }
}
