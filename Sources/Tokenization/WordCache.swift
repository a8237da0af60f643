/// A word of at most 15 bytes: its bytes and its length, which tells words from those that go on with NUL.
struct WordKey: Sendable, Equatable {
  var low: UInt64 = 0
  var high: UInt64 = 0

  /// The longest word that has a key, in bytes.
  static let limit = 15

  /// The key of 1 to `limit` bytes of a text.
  @inline(__always)
  init(_ text: Span<UInt8>, _ range: Range<Int>) {
    let count = range.count
    if range.lowerBound + 16 <= text.count {
      let bytes = text.bytes
      low = UInt64(
        littleEndian: bytes.unsafeLoadUnaligned(fromUncheckedByteOffset: range.lowerBound, as: UInt64.self))
      if count <= 8 {
        low &= .max >> UInt64(64 - 8 * count)
      } else {
        high = UInt64(
          littleEndian: bytes.unsafeLoadUnaligned(
            fromUncheckedByteOffset: range.lowerBound + 8, as: UInt64.self))
        high &= .max >> UInt64(128 - 8 * count)
      }
    } else {
      // Less than 16 bytes follow: loads that end with the word, or byte by byte.
      let bytes = text.bytes
      func load(_ offset: Int) -> UInt64 {
        UInt64(littleEndian: bytes.unsafeLoadUnaligned(fromUncheckedByteOffset: offset, as: UInt64.self))
      }
      if count > 8 {
        low = load(range.lowerBound)
        high = load(range.upperBound - 8) >> UInt64(128 - 8 * count)
      } else if range.upperBound >= 8 {
        low = load(range.upperBound - 8) >> UInt64(64 - 8 * count)
      } else {
        for index in 0..<count {
          low |= UInt64(text[unchecked: range.lowerBound + index]) << UInt64(8 * index)
        }
      }
    }
    high |= UInt64(count) << 56
  }

  /// Well mixed in its low bits.
  @inline(__always)
  var hash: Int {
    let mixed = (low ^ high &* 0x9E37_79B9_7F4A_7C15) &* 0xD6E8_FEB8_6659_FD93
    return Int(truncatingIfNeeded: mixed ^ mixed >> 32)
  }
}

/// The tokens of words cut before: a word has one place, where the latest word stays.
struct WordCache {
  /// A word of at most `tokenLimit` tokens.
  struct Entry {
    fileprivate var low: UInt64 = 0
    /// 0 for a free place.
    fileprivate var high: UInt64 = 0
    /// The tokens, behind the last -1.
    var tokens = SIMD4<Int32>(repeating: -1)
    /// The byte behind each token.
    var ends = SIMD4<UInt8>(repeating: 0)

    fileprivate init() {}

    /// A word without tokens so far.
    init(_ key: WordKey) { (low, high) = (key.low, key.high) }
  }

  static let tokenLimit = 4
  /// The number of places, a power of two; 1.5 MB, of which common words touch little.
  private static let size = 32768
  private var entries = [Entry](repeating: Entry(), count: WordCache.size)

  /// The entry of a word, nil where another one has its place.
  @inline(__always)
  func entry(of key: WordKey) -> Entry? {
    let entry = entries.span[unchecked: key.hash & (Self.size - 1)]
    return entry.low == key.low && entry.high == key.high ? entry : nil
  }

  /// Gives a word its place.
  mutating func store(_ entry: Entry, of key: WordKey) { entries[key.hash & (Self.size - 1)] = entry }

  /// Appends the tokens of a word to others; says whether they are there.
  @inline(__always)
  func append(_ key: WordKey, to output: inout TokenBuffer) -> Bool {
    guard let entry = entry(of: key) else { return false }
    var start: Int32 = 0
    for index in 0..<Self.tokenLimit where entry.tokens[index] >= 0 {
      let end = Int32(entry.ends[index])
      output.appendPiece(entry.tokens[index], start: start, end: end)
      start = end
    }
    return true
  }

  /// Remembers the tokens of a word from an index on, unless there are too many or they do not follow each other.
  mutating func store(_ key: WordKey, _ tokens: [TokenBuffer.Token], from first: Int) {
    let count = tokens.count - first
    if count > Self.tokenLimit { return }
    var entry = Entry(key)
    var place: Int32 = 0
    for index in 0..<count {
      let token = tokens[first + index]
      if token.start != place { return }
      place = token.end
      entry.tokens[index] = token.id
      entry.ends[index] = UInt8(place)
    }
    store(entry, of: key)
  }
}
