/// The tokens of words merged before: a word has one place, where the latest word stays.
struct WordCache {
  /// A word of at most `tokenLimit` tokens.
  private struct Entry {
    var low: UInt64 = 0
    /// 0 for a free place.
    var high: UInt64 = 0
    /// The tokens, behind the last -1.
    var tokens = SIMD4<Int32>(repeating: -1)
    /// The byte behind each token.
    var ends = SIMD4<UInt8>(repeating: 0)
  }

  static let tokenLimit = 4
  /// The number of places, a power of two; 1.5 MB, of which common words touch little.
  private static let size = 32768
  private var entries = [Entry](repeating: Entry(), count: WordCache.size)

  /// Finds the tokens of a word; says whether they are there.
  @inline(__always)
  func find(_ key: WholeWords.Key, into pieces: inout [MergeScratch.Piece]) -> Bool {
    let entry = entries.span[unchecked: key.hash & (Self.size - 1)]
    guard entry.low == key.low, entry.high == key.high else { return false }
    pieces.removeAll(keepingCapacity: true)
    for index in 0..<Self.tokenLimit where entry.tokens[index] >= 0 {
      pieces.append(
        MergeScratch.Piece(token: entry.tokens[index], end: Int32(entry.ends[index]), merge: .none))
    }
    return true
  }

  /// Remembers the tokens of a word, unless there are too many.
  mutating func store(_ key: WholeWords.Key, _ pieces: [MergeScratch.Piece]) {
    if pieces.count > Self.tokenLimit { return }
    var entry = Entry(low: key.low, high: key.high)
    for (index, piece) in pieces.enumerated() {
      entry.tokens[index] = piece.token
      entry.ends[index] = UInt8(piece.end)
    }
    entries[key.hash & (Self.size - 1)] = entry
  }
}
