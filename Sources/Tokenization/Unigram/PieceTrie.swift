/// Trie of the pieces of a vocabulary in a double array: finds all that begin at a place of a text in one walk.
///
/// No two nodes have one base, so a slot needs to know only the byte that leads to it and not the parent: a node is eight
/// bytes, and one load a byte is all that a walk costs.
struct PieceTrie: Sendable {
  /// A node, or a free slot.
  struct Unit: Sendable {
    /// From the lowest bit: the base in 28 bits, the byte that leads here in 9 and the piece that ends here in 27.
    private var bits: UInt64

    private static let pieceShift: UInt64 = 37
    private static let noPiece: UInt64 = 0x7FF_FFFF
    private static let noByte: UInt64 = 0x100

    /// A slot that no byte leads to.
    static let free = Unit(base: 0, byte: nil)

    /// A node at which no piece ends.
    init(base: Int32, byte: UInt8?) {
      bits =
        UInt64(UInt32(bitPattern: base)) | (byte.map(UInt64.init) ?? Self.noByte) << 28
        | Self.noPiece << Self.pieceShift
    }

    /// Lets a piece end here.
    mutating func end(_ piece: Int32) {
      bits = bits & (1 << Self.pieceShift - 1) | UInt64(UInt32(bitPattern: piece)) << Self.pieceShift
    }

    /// The slot of the child along a byte, if there is one.
    @inline(__always)
    func child(along byte: UInt8) -> Int { Int(bits & 0xFFF_FFFF) + Int(byte) }

    /// Whether a byte leads here.
    @inline(__always)
    func isReached(by byte: UInt8) -> Bool { bits >> 28 & 0x1FF == UInt64(byte) }

    /// Whether a byte leads here at all.
    @inline(__always)
    var isFree: Bool { bits >> 28 & Self.noByte != 0 }

    /// The place of the piece that ends here in the order of pieces, nil for none.
    @inline(__always)
    var piece: Int32? {
      let piece = bits >> Self.pieceShift
      return piece == Self.noPiece ? nil : Int32(truncatingIfNeeded: piece)
    }
  }

  /// The slots, of which the first is the root; any base + byte is an index of one.
  let units: [Unit]
  /// The node of each scalar from U+0800 to U+FFFF by itself, which three bytes lead to; by scalar, free for none.
  let heads: [Unit]
  /// The id of each piece in the order of their bytes, in which pieces of one beginning lie beside each other.
  let ids: [Int32]

  /// The bytes that all pieces together may have, less than which no slot's place needs more bits than there are.
  static let byteLimit = 1 << 26

  /// Builds the trie of all pieces that a vocabulary can look up.
  init(_ vocabulary: Vocabulary) {
    let (slots, ends, ids) = Self.slots(SortedPieces(vocabulary))
    var units = slots.indices.map { slot in
      let node = slots[slot]
      let byte = node.check < 0 ? nil : UInt8(slot - Int(slots[Int(node.check)].base))
      return Unit(base: node.base, byte: byte)
    }
    var writing = units.mutableSpan
    for (index, slot) in ends.enumerated() { writing[Int(slot)].end(Int32(index)) }
    self.units = units
    self.ids = ids
    heads = Self.heads(units)
  }

  /// The slots of the trie, the one at which each piece ends, and the pieces' ids.
  private static func slots(
    _ pieces: SortedPieces
  ) -> (slots: [DoubleArrayBuilder.Node], ends: [Int32], ids: [Int32]) {
    let (entries, text, starts) = (
      pieces.entries.span, pieces.vocabulary.bytes.span, pieces.vocabulary.starts.span
    )
    func start(_ index: Int) -> Int { Int(starts[Int(entries[unchecked: index].id)]) }
    func length(_ index: Int) -> Int { Int(entries[unchecked: index].length) }
    func byte(_ index: Int, _ depth: Int) -> UInt8 {
      // The bytes by which pieces are sorted lie side by side.
      depth < 8 ? entries[unchecked: index].firstByte(depth) : text[start(index) + depth]
    }
    precondition(
      text.count <= Self.byteLimit,
      "A trie takes pieces of at most \(Self.byteLimit) bytes together."
    )
    var builder = DoubleArrayBuilder(capacity: text.count, sharesBases: false)
    var ends = [Int32](repeating: 0, count: entries.count)
    var bytes: [Int] = []
    var bounds: [Int] = []
    /// Nodes whose children come next: their pieces, the length of what leads to them, and their slot.
    var nodes: [(range: Range<Int>, depth: Int, slot: Int)] = []
    if !entries.isEmpty { nodes.append((0..<entries.count, 0, 0)) }
    while let (range, depth, slot) = nodes.popLast() {
      var index = range.lowerBound
      if length(index) == depth {
        ends[index] = Int32(slot)
        index += 1
      }
      if index == range.upperBound { continue }
      if index == range.upperBound - 1 {
        // One piece is left: what is behind the beginnings of others.
        var end = slot
        for position in depth..<length(index) { end = builder.add(Int(byte(index, position)), below: end) }
        ends[index] = Int32(end)
        continue
      }
      bytes.removeAll(keepingCapacity: true)
      bounds.removeAll(keepingCapacity: true)
      while index < range.upperBound {
        let first = byte(index, depth)
        bytes.append(Int(first))
        bounds.append(index)
        repeat { index += 1 } while index < range.upperBound && byte(index, depth) == first
      }
      bounds.append(range.upperBound)
      let base = builder.add(bytes, below: slot)
      // The last goes on the stack first, so that neighbours lie near each other.
      for child in bytes.indices.reversed() {
        nodes.append((bounds[child]..<bounds[child + 1], depth + 1, base + bytes[child]))
      }
    }
    return (builder.finish(), ends, pieces.entries.map(\.id))
  }

  private static func heads(_ units: [Unit]) -> [Unit] {
    var heads = [Unit](repeating: .free, count: 0x10000)
    func forEachChild(of node: Unit, _ bytes: ClosedRange<UInt8>, _ body: (UInt8, Unit) -> Void) {
      for byte in bytes {
        let child = units[node.child(along: byte)]
        if child.isReached(by: byte) { body(byte, child) }
      }
    }
    forEachChild(of: units[0], 0xE0...0xEF) { first, node in
      forEachChild(of: node, 0x80...0xBF) { second, node in
        forEachChild(of: node, 0x80...0xBF) { third, node in
          heads[Int(first & 0x0F) << 12 | Int(second & 0x3F) << 6 | Int(third & 0x3F)] = node
        }
      }
    }
    return heads
  }
}

/// The pieces of a vocabulary in the order of their bytes, each once.
private struct SortedPieces {
  /// A piece.
  struct Entry {
    /// Eight bytes by which it is sorted, the first the highest, NUL behind its end.
    var key: UInt64 = 0
    var id: Int32 = 0
    /// The number of its bytes, at most `PieceTrie.byteLimit`.
    var length: Int32 = 0

    /// One of these eight bytes.
    func firstByte(_ place: Int) -> UInt8 { UInt8(truncatingIfNeeded: key >> UInt64(56 - 8 * place)) }
  }

  let vocabulary: Vocabulary
  private(set) var entries: [Entry] = []

  init(_ vocabulary: Vocabulary) {
    self.vocabulary = vocabulary
    var entries: [Entry] = []
    entries.reserveCapacity(vocabulary.count)
    vocabulary.forEach { piece, id in
      if !piece.isEmpty {
        entries.append(Entry(key: Self.key(piece, at: 0), id: id, length: Int32(clamping: piece.count)))
      }
    }
    self.entries = entries
    sortByKey()
    sortEqual(0..<entries.count, behind: 0)
  }

  /// The key of the bytes from a place on.
  private static func key(_ piece: Span<UInt8>, at start: Int) -> UInt64 {
    var key: UInt64 = 0
    for position in start..<max(start, min(piece.count, start + 8)) {
      key |= UInt64(piece[unchecked: position]) << UInt64(56 - 8 * (position - start))
    }
    return key
  }

  /// Sorts by the first eight bytes, two at a time from the last (radix sort).
  private mutating func sortByKey() {
    var other = [Entry](repeating: Entry(), count: entries.count)
    for shift in stride(from: UInt64(0), to: 64, by: 16) {
      var starts = [Int32](repeating: 0, count: 0x10001)
      for entry in entries { starts[Int(entry.key >> shift & 0xFFFF) + 1] += 1 }
      for digit in 1...0x10000 { starts[digit] += starts[digit - 1] }
      var sorted = other.mutableSpan
      for entry in entries {
        let digit = Int(entry.key >> shift & 0xFFFF)
        sorted[Int(starts[digit])] = entry
        starts[digit] += 1
      }
      swap(&entries, &other)
    }
  }

  /// Sorts pieces of equal keys, those of the bytes from `start` on, by what is behind these.
  private mutating func sortEqual(_ range: Range<Int>, behind start: Int) {
    let vocabulary = vocabulary
    let (text, starts) = (vocabulary.bytes.span, vocabulary.starts.span)
    let next = start + 8
    var first = range.lowerBound
    while first < range.upperBound {
      let key = entries[first].key
      var end = first + 1
      while end < range.upperBound, entries[end].key == key { end += 1 }
      if end - first > 1 {
        let longer = entries[first..<end].partition { Int($0.length) > next }
        // NULs at the end of a piece look like what is not there: the shorter goes first.
        entries[first..<longer].sort { $0.length < $1.length }
        for index in longer..<end {
          let first = Int(starts[Int(entries[index].id)])
          let piece = text.extracting(first..<first + Int(entries[index].length))
          entries[index].key = Self.key(piece, at: next)
        }
        entries[longer..<end].sort { $0.key < $1.key }
        sortEqual(longer..<end, behind: next)
        for index in longer..<end { entries[index].key = key }
      }
      first = end
    }
  }
}
