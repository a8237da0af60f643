/// The words that are one token once all merges are done, found without merging: most words of a text.
struct WholeWords: Sendable {
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
        !word.isEmpty, word.count <= WordKey.limit
      else { continue }
      scratch.merge(word.span, by: table)
      guard scratch.pieces.count == 1, scratch.pieces[0].token == pair else { continue }
      let key = WordKey(word.span, 0..<word.count)
      slots[Self.slot(of: key, in: slots.span)] = Slot(low: key.low, high: key.high, token: pair)
    }
    self.slots = slots
  }

  /// The token of a word, negative when it is not one token.
  @inline(__always)
  func token(of key: WordKey) -> Int32 {
    let slots = slots.span
    return slots[unchecked: Self.slot(of: key, in: slots)].token
  }

  /// The slot that holds a word, or the free one where it belongs.
  @inline(__always)
  private static func slot(of key: WordKey, in slots: Span<Slot>) -> Int {
    let mask = slots.count - 1
    var slot = key.hash & mask
    while true {
      let high = slots[unchecked: slot].high
      if high == key.high && slots[unchecked: slot].low == key.low || high == 0 { return slot }
      slot = (slot + 1) & mask
    }
  }
}
