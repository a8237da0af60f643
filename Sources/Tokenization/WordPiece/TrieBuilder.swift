/// The trie of a vocabulary while it is built: children as linked lists, found through a hash table.
struct TrieBuilder {
  /// The byte that leads to each node.
  private(set) var bytes: [UInt8] = [0, 0]
  private(set) var parents: [Int32] = [-1, -1]
  private(set) var firstChild: [Int32] = [-1, -1]
  private(set) var nextSibling: [Int32] = [-1, -1]
  /// The token that ends at each node, or -1.
  private(set) var tokens: [Int32] = [-1, -1]
  /// The number of bytes from the root to each node.
  private(set) var depths: [Int32] = [0, 0]
  /// Open-addressing table of a power-of-two size with entries `node + 1` (0 = free), keyed by parent and byte.
  private var table: [UInt32]

  /// The node where words begin.
  static let root: Int32 = 0
  /// The node where continuations of words begin.
  static let suffixRoot: Int32 = 1

  var count: Int { bytes.count }

  /// - Parameter expectedCount: about how many nodes there will be.
  init(expectedCount: Int) {
    var size = 1 << 10
    while size < expectedCount * 2 { size *= 2 }
    table = [UInt32](repeating: 0, count: size)
    bytes.reserveCapacity(expectedCount)
    parents.reserveCapacity(expectedCount)
    firstChild.reserveCapacity(expectedCount)
    nextSibling.reserveCapacity(expectedCount)
    tokens.reserveCapacity(expectedCount)
    depths.reserveCapacity(expectedCount)
  }

  /// Adds a token's spelling below one of the two roots; a later token of the same spelling wins.
  mutating func insert(_ spelling: Span<UInt8>, token: Int32, below root: Int32) {
    var node = root
    for position in 0..<spelling.count {
      let byte = spelling[position]
      let slot = slot(of: node, byte)
      if table[slot] != 0 {
        node = Int32(table[slot] - 1)
        continue
      }
      let new = Int32(bytes.count)
      table[slot] = UInt32(new + 1)
      bytes.append(byte)
      parents.append(node)
      nextSibling.append(firstChild[Int(node)])
      firstChild[Int(node)] = new
      firstChild.append(-1)
      tokens.append(-1)
      depths.append(depths[Int(node)] + 1)
      node = new
      if bytes.count * 2 > table.count { grow() }
    }
    tokens[Int(node)] = token
  }

  private func slot(of node: Int32, _ byte: UInt8) -> Int {
    let key = UInt64(UInt32(bitPattern: node)) << 8 | UInt64(byte)
    let mask = table.count - 1
    var slot = Int(truncatingIfNeeded: (key &* 0x9E37_79B9_7F4A_7C15) >> 32) & mask
    while table[slot] != 0 {
      let found = Int(table[slot] - 1)
      if parents[found] == node, bytes[found] == byte { break }
      slot = (slot + 1) & mask
    }
    return slot
  }

  private mutating func grow() {
    table = [UInt32](repeating: 0, count: table.count * 4)
    for node in 2..<bytes.count {
      let slot = slot(of: parents[node], bytes[node])
      table[slot] = UInt32(node + 1)
    }
  }
}

/// Layout of the nodes of a trie in a double array.
struct DoubleArrayLayout {
  /// The slots.
  let nodes: [DoubleArrayBuilder.Node]
  /// The slot of each node of the trie.
  let slots: [Int32]

  init(_ trie: TrieBuilder, _ order: [Int32]) {
    var slots = [Int32](repeating: 0, count: trie.count)
    var builder = DoubleArrayBuilder(capacity: trie.count * 2)
    for root in [TrieBuilder.root, TrieBuilder.suffixRoot] { slots[Int(root)] = root }
    var children: [Int32] = []
    var bytes: [Int] = []
    for node in order {
      children.removeAll(keepingCapacity: true)
      bytes.removeAll(keepingCapacity: true)
      var child = trie.firstChild[Int(node)]
      while child >= 0 {
        children.append(child)
        bytes.append(Int(trie.bytes[Int(child)]))
        child = trie.nextSibling[Int(child)]
      }
      if children.isEmpty { continue }
      let base = builder.add(bytes, below: Int(slots[Int(node)]))
      for (child, byte) in zip(children, bytes) { slots[Int(child)] = Int32(base + byte) }
    }
    nodes = builder.finish()
    self.slots = slots
  }

  /// The slot of the child of a slot along a byte, or -1.
  func child(of slot: Int32, _ byte: UInt8) -> Int32 {
    let child = nodes[Int(slot)].base + Int32(byte)
    return nodes[Int(child)].check == slot ? child : -1
  }
}
