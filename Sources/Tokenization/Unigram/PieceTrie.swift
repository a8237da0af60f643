/// Trie of the pieces of a vocabulary in a double array: finds all that begin at a place of a text in one walk.
struct PieceTrie: Sendable {
  /// A node's slot.
  struct Unit: Sendable {
    /// The child along byte c lies in slot base + c, if it exists.
    var base: Int32 = 0
    /// The parent's slot, -1 for a free one.
    var check: Int32 = -1
    /// The piece that ends here, -1 for none.
    var piece: Int32 = -1
  }

  /// The slots, of which the first is the root; any base + byte is an index of one.
  let units: [Unit]

  static let root = 0

  /// Builds the trie of all pieces that a vocabulary can look up.
  init(_ vocabulary: Vocabulary) {
    let pieces = SortedPieces(vocabulary)
    let (entries, text) = (pieces.entries.span, pieces.bytes.span)
    func byte(_ index: Int, _ depth: Int) -> UInt8 {
      text[unchecked: Int(entries[unchecked: index].start) + depth]
    }
    var builder = DoubleArrayBuilder(expectedCount: pieces.prefixCount)
    var ends: [(slot: Int, piece: Int32)] = []
    ends.reserveCapacity(entries.count)
    var bytes: [Int] = []
    var bounds: [Int] = []
    /// Nodes whose children come next: their pieces, the length of what leads to them, and their slot.
    var nodes: [(range: Range<Int>, depth: Int, slot: Int)] = []
    if !entries.isEmpty { nodes.append((0..<entries.count, 0, Self.root)) }
    while let (range, depth, slot) = nodes.popLast() {
      var index = range.lowerBound
      if Int(entries[unchecked: index].length) == depth {
        ends.append((slot, entries[unchecked: index].id))
        index += 1
      }
      if index == range.upperBound { continue }
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
    var units = builder.finish().map { Unit(base: $0.base, check: $0.check) }
    for (slot, piece) in ends { units[slot].piece = piece }
    self.units = units
  }
}

/// The pieces of a vocabulary in the order of their bytes, each once.
private struct SortedPieces {
  /// A piece.
  struct Entry {
    /// The first eight bytes, the first the highest.
    var prefix: UInt64 = 0
    /// Where it begins in `bytes`.
    var start: Int32 = 0
    var length: Int32 = 0
    var id: Int32 = 0
  }

  private(set) var entries: [Entry] = []
  private(set) var bytes: [UInt8] = []

  init(_ vocabulary: Vocabulary) {
    var (entries, bytes): ([Entry], [UInt8]) = ([], [])
    entries.reserveCapacity(vocabulary.count)
    vocabulary.forEach { piece, id in
      if piece.isEmpty { return }
      var prefix: UInt64 = 0
      for position in 0..<min(piece.count, 8) {
        prefix |= UInt64(piece[unchecked: position]) << UInt64(56 - 8 * position)
      }
      entries.append(
        Entry(prefix: prefix, start: Int32(bytes.count), length: Int32(piece.count), id: id))
      for position in 0..<piece.count { bytes.append(piece[unchecked: position]) }
    }
    (self.entries, self.bytes) = (entries, bytes)
    sortByPrefix()
    sortEqualPrefixes()
  }

  /// Sorts by the first eight bytes, two at a time from the last (radix sort).
  private mutating func sortByPrefix() {
    var other = [Entry](repeating: Entry(), count: entries.count)
    for shift in stride(from: UInt64(0), to: 64, by: 16) {
      var starts = [Int32](repeating: 0, count: 0x10001)
      for entry in entries { starts[Int(entry.prefix >> shift & 0xFFFF) + 1] += 1 }
      for digit in 1...0x10000 { starts[digit] += starts[digit - 1] }
      for entry in entries {
        let digit = Int(entry.prefix >> shift & 0xFFFF)
        other[Int(starts[digit])] = entry
        starts[digit] += 1
      }
      swap(&entries, &other)
    }
  }

  /// Sorts pieces that are equal up to the eighth byte, or up to NULs that a short one has not.
  private mutating func sortEqualPrefixes() {
    let bytes = bytes
    var start = 0
    while start < entries.count {
      var end = start + 1
      while end < entries.count, entries[end].prefix == entries[start].prefix { end += 1 }
      if end - start > 1 {
        entries[start..<end].sort { a, b in
          for position in 0..<Int(min(a.length, b.length)) {
            let (first, second) = (bytes[Int(a.start) + position], bytes[Int(b.start) + position])
            if first != second { return first < second }
          }
          return a.length < b.length
        }
      }
      start = end
    }
  }

  /// The number of different beginnings of pieces.
  var prefixCount: Int {
    let (entries, bytes) = (entries.span, bytes.span)
    var count = 0
    for index in 0..<entries.count {
      var common = 0
      let entry = entries[unchecked: index]
      if index > 0 {
        let before = entries[unchecked: index - 1]
        let limit = Int(min(entry.length, before.length))
        while common < limit,
          bytes[unchecked: Int(entry.start) + common] == bytes[unchecked: Int(before.start) + common]
        {
          common += 1
        }
      }
      count += Int(entry.length) - common
    }
    return count
  }
}
