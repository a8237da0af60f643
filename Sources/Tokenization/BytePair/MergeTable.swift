/// The merges of a byte-pair vocabulary: which neighbours become one token, and in which order.
struct MergeTable: Sendable {
  /// Merge of two neighbours: its rank and the token that they become.
  struct Merge: Sendable {
    /// Lower ranks merge first.
    var rank: Int32
    var token: Int32

    /// No merge: behind all others.
    static let none = Merge(rank: .max, token: -1)
  }

  /// A pair of tokens with its place in the list.
  struct Pair: Sendable, Equatable {
    var left: Int32
    var right: Int32
    var token: Int32
  }

  /// The merges in order of rank.
  let pairs: [Pair]
  /// The token of each byte, -1 for bytes that UTF-8 does not have and the vocabulary neither; empty where words are cut into
  /// characters.
  let byteTokens: [Int32]
  /// The merge of each pair of bytes.
  private let byteMerges: [Merge]
  /// Open-addressing table of a power-of-two size.
  private let slots: [Slot]

  private struct Slot {
    /// Both tokens of the pair; -1 for a free slot.
    var left: Int32 = -1
    var right: Int32 = -1
    var merge = Merge.none
  }

  /// - Parameters:
  ///   - pairs: the merges in order of rank; of a pair that occurs twice, the later counts.
  ///   - byteTokens: the token of each byte [256]; empty where words are cut into characters.
  init(_ pairs: [Pair], byteTokens: [Int32] = []) {
    self.pairs = pairs
    self.byteTokens = byteTokens
    var size = 64
    while size < pairs.count * 2 { size *= 2 }
    var slots = [Slot](repeating: Slot(), count: size)
    for (rank, pair) in pairs.enumerated() {
      let slot = Self.slot(of: pair.left, pair.right, in: slots.span)
      slots[slot] = Slot(
        left: pair.left, right: pair.right, merge: Merge(rank: Int32(rank), token: pair.token))
    }
    self.slots = slots
    if byteTokens.isEmpty {
      byteMerges = []
      return
    }
    var byteMerges = [Merge](repeating: .none, count: 0x10000)
    for left in 0..<256 {
      for right in 0..<256 {
        byteMerges[left << 8 | right] =
          slots[Self.slot(of: byteTokens[left], byteTokens[right], in: slots.span)].merge
      }
    }
    self.byteMerges = byteMerges
  }

  /// The merge of two tokens.
  @inline(__always)
  func merge(_ left: Int32, _ right: Int32) -> Merge {
    let slots = slots.span
    return slots[unchecked: Self.slot(of: left, right, in: slots)].merge
  }

  /// The merge of the tokens of two bytes.
  @inline(__always)
  func merge(bytes left: UInt8, _ right: UInt8) -> Merge {
    byteMerges.span[unchecked: Int(left) << 8 | Int(right)]
  }

  /// The slot that holds a pair, or the free one where it belongs.
  @inline(__always)
  private static func slot(of left: Int32, _ right: Int32, in slots: Span<Slot>) -> Int {
    let key = UInt64(UInt32(bitPattern: left)) << 32 | UInt64(UInt32(bitPattern: right))
    let mask = slots.count - 1
    var slot = Int(truncatingIfNeeded: key &* 0x9E37_79B9_7F4A_7C15 >> 32) & mask
    while true {
      let entry = slots[unchecked: slot]
      if entry.left == left && entry.right == right || entry.left < 0 { return slot }
      slot = (slot + 1) & mask
    }
  }
}

extension MergeTable {
  /// Looks up the tokens of merges.
  ///
  /// - Parameter fault: the error for a merge (counted from 0) or, with nil, for the vocabulary.
  init(
    _ merges: [(left: String, right: String)], _ vocabulary: Vocabulary,
    fault: (Int?, String) -> TokenizerError
  ) throws(TokenizerError) {
    var byteTokens: [Int32] = []
    for (byte, scalar) in ByteLevelAlphabet.scalars.enumerated() {
      let token = vocabulary.id(of: String(scalar))
      if token == nil, ByteLevelAlphabet.isUsed(UInt8(byte)) {
        throw fault(
          nil, "has no token for the byte \(byte) (\"\(scalar)\"); a byte-level vocabulary has one for each")
      }
      byteTokens.append(token ?? -1)
    }
    self.init(
      try Self.pairs(merges, vocabulary) { fault($0, $1) }, byteTokens: byteTokens)
  }

  /// Looks up the tokens of merges.
  ///
  /// - Parameters:
  ///   - prefixLength: the bytes that the second token loses when it is put behind the first.
  ///   - fault: the error for a merge, counted from 0.
  static func pairs(
    _ merges: [(left: String, right: String)], _ vocabulary: Vocabulary, prefixLength: Int = 0,
    fault: (Int, String) -> TokenizerError
  ) throws(TokenizerError) -> [Pair] {
    var pairs: [Pair] = []
    pairs.reserveCapacity(merges.count)
    for (index, merge) in merges.enumerated() {
      func id(_ token: String) throws(TokenizerError) -> Int32 {
        if let id = vocabulary.id(of: token) { return id }
        throw fault(index, "needs the token \"\(token)\", which the vocabulary does not have")
      }
      let (left, right) = (try id(merge.left), try id(merge.right))
      var merged = merge.left + merge.right
      if prefixLength > 0 {
        guard
          let rest = String(validating: Array(merge.right.utf8.dropFirst(prefixLength)), as: UTF8.self)
        else { throw fault(index, "has no whole character behind the prefix that \"\(merge.right)\" loses") }
        merged = merge.left + rest
      }
      pairs.append(Pair(left: left, right: right, token: try id(merged)))
    }
    return pairs
  }
}
