/// Trie of pieces by their characters, made once for all rounds of a training: pieces that go lose only their scores.
struct SeedTrie: Sendable {
  /// Open-addressing table of a power-of-two size: node and character, packed, of each edge; `free` where there is none.
  private var keys: [UInt64]
  private var children: [Int32]
  /// The piece that ends at each node, -1 for none.
  private var pieces: [Int32] = [-1]
  private var edgeCount = 0

  private static let free = UInt64.max

  /// An empty trie with room for some edges.
  init(capacity: Int) {
    var size = 64
    while size < capacity * 2 { size *= 2 }
    keys = [UInt64](repeating: Self.free, count: size)
    children = [Int32](repeating: 0, count: size)
  }

  /// Adds a piece.
  mutating func insert(_ scalars: ArraySlice<UInt32>, _ piece: Int32) {
    var node: Int32 = 0
    for scalar in scalars { node = child(adding: scalar, to: node) }
    pieces[Int(node)] = piece
  }

  /// Calls `body` with every piece that begins at a place, the shortest first, and its length.
  @inline(__always)
  func forEachPiece(
    in text: Span<UInt32>, at start: Int, upTo end: Int, _ body: (_ piece: Int, _ length: Int) -> Void
  ) {
    let (keys, children, pieces) = (keys.span, children.span, pieces.span)
    var node: Int32 = 0
    var place = start
    while place < end {
      let slot = Self.slot(of: Self.key(node, text[place]), in: keys)
      if keys[slot] == Self.free { return }
      node = children[slot]
      place += 1
      let piece = pieces[Int(node)]
      if piece >= 0 { body(Int(piece), place - start) }
    }
  }

  private mutating func child(adding scalar: UInt32, to node: Int32) -> Int32 {
    let key = Self.key(node, scalar)
    var slot = Self.slot(of: key, in: keys.span)
    if keys[slot] != Self.free { return children[slot] }
    if edgeCount * 2 >= keys.count {
      grow()
      slot = Self.slot(of: key, in: keys.span)
    }
    let child = Int32(pieces.count)
    pieces.append(-1)
    keys[slot] = key
    children[slot] = child
    edgeCount += 1
    return child
  }

  private mutating func grow() {
    let old = (keys, children)
    keys = [UInt64](repeating: Self.free, count: old.0.count * 2)
    children = [Int32](repeating: 0, count: keys.count)
    for (key, child) in zip(old.0, old.1) where key != Self.free {
      let slot = Self.slot(of: key, in: keys.span)
      (keys[slot], children[slot]) = (key, child)
    }
  }

  private static func key(_ node: Int32, _ scalar: UInt32) -> UInt64 {
    UInt64(UInt32(bitPattern: node)) << 32 | UInt64(scalar)
  }

  /// The slot that holds a key, or the free one where it belongs.
  @inline(__always)
  private static func slot(of key: UInt64, in keys: Span<UInt64>) -> Int {
    let mask = keys.count - 1
    let hash = key &* 0x9E37_79B9_7F4A_7C15
    var slot = Int(truncatingIfNeeded: hash ^ hash >> 32) & mask
    while true {
      let found = keys[unchecked: slot]
      if found == key || found == free { return slot }
      slot = (slot + 1) & mask
    }
  }
}
