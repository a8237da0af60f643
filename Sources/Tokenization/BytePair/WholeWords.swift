/// The words that are one token once all merges are done, found without merging: most words of a text.
struct WholeWords: Sendable {
  /// A word of at most 15 bytes: its bytes and its length, which tells words from those that go on with NUL.
  struct Key: Sendable, Equatable {
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

  private struct Slot {
    var low: UInt64 = 0
    /// 0 for a free slot.
    var high: UInt64 = 0
    var token: Int32 = -1
  }

  /// Open-addressing table of a power-of-two size.
  private let slots: [Slot]

  /// Looks for words among the tokens of a vocabulary.
  init(_ vocabulary: Vocabulary, _ table: MergeTable) {
    var size = 64
    while size < vocabulary.count * 2 { size *= 2 }
    var slots = [Slot](repeating: Slot(), count: size)
    var scratch = MergeScratch()
    for pair in table.pairs.map(\.token) + table.byteTokens {
      guard let token = vocabulary.token(pair), let word = ByteLevelAlphabet.bytes(of: token),
        !word.isEmpty, word.count <= Key.limit
      else { continue }
      scratch.merge(word.span, by: table)
      guard scratch.pieces.count == 1, scratch.pieces[0].token == pair else { continue }
      let key = Key(word.span, 0..<word.count)
      slots[Self.slot(of: key, in: slots.span)] = Slot(low: key.low, high: key.high, token: pair)
    }
    self.slots = slots
  }

  /// The token of a word, negative when it is not one token.
  @inline(__always)
  func token(of key: Key) -> Int32 {
    let slots = slots.span
    return slots[unchecked: Self.slot(of: key, in: slots)].token
  }

  /// The slot that holds a word, or the free one where it belongs.
  @inline(__always)
  private static func slot(of key: Key, in slots: Span<Slot>) -> Int {
    let mask = slots.count - 1
    var slot = key.hash & mask
    while true {
      let high = slots[unchecked: slot].high
      if high == key.high && slots[unchecked: slot].low == key.low || high == 0 { return slot }
      slot = (slot + 1) & mask
    }
  }
}
