/// A word while its bytes are merged into tokens; one scratch serves many words.
struct MergeScratch {
  /// A token of the word.
  struct Piece {
    var token: Int32
    /// The byte behind it.
    var end: Int32
    /// What it and the next token become.
    var merge: MergeTable.Merge
  }

  /// The tokens of the word.
  var pieces: [Piece] = []
  private var queue = MergeQueue()

  /// Words of more bytes are merged by way of a queue, which keeps long words from taking quadratic time.
  private static let scanLimit = 64

  /// Cuts a word into the tokens that are left when no two neighbours merge any more: always the merge of the lowest rank
  /// first, the leftmost of equal ones.
  mutating func merge(_ word: Span<UInt8>, by table: MergeTable) {
    pieces.removeAll(keepingCapacity: true)
    let bytes = table.byteTokens.span
    let last = word.count - 1
    for position in 0...last {
      let byte = word[unchecked: position]
      pieces.append(
        Piece(
          token: bytes[unchecked: Int(byte)], end: Int32(position + 1),
          merge: position < last ? table.merge(bytes: byte, word[unchecked: position + 1]) : .none))
    }
    if word.count <= Self.scanLimit { mergeByScanning(table) } else { mergeByQueue(table) }
  }

  private mutating func mergeByScanning(_ table: MergeTable) {
    var count = pieces.count
    var span = pieces.mutableSpan
    while true {
      var best = 0
      var rank = Int32.max
      for position in 0..<count where span[unchecked: position].merge.rank < rank {
        (best, rank) = (position, span[unchecked: position].merge.rank)
      }
      if rank == .max { break }
      let token = span[unchecked: best].merge.token
      count -= 1
      let merge = best + 1 < count ? table.merge(token, span[unchecked: best + 2].token) : .none
      span[unchecked: best] = Piece(token: token, end: span[unchecked: best + 1].end, merge: merge)
      if best > 0 {
        span[unchecked: best - 1].merge = table.merge(span[unchecked: best - 1].token, token)
      }
      var position = best + 1
      while position < count {
        span[unchecked: position] = span[unchecked: position + 1]
        position += 1
      }
    }
    pieces.removeLast(pieces.count - count)
  }

  private mutating func mergeByQueue(_ table: MergeTable) {
    let count = pieces.count
    var next = (0..<count).map { Int32($0 + 1) }
    var previous = (0..<count).map { Int32($0 - 1) }
    for position in 0..<count { queue.push(pieces[position].merge.rank, Int32(position)) }
    while let (rank, position) = queue.pop() {
      let left = Int(position)
      // Whatever merged since has another rank: a pair at one position only ever grows.
      guard pieces[left].merge.rank == rank else { continue }
      let right = Int(next[left])
      let token = pieces[left].merge.token
      let behind = Int(next[right])
      let merge = behind < count ? table.merge(token, pieces[behind].token) : .none
      pieces[left] = Piece(token: token, end: pieces[right].end, merge: merge)
      pieces[right] = Piece(token: -1, end: 0, merge: .none)
      queue.push(merge.rank, position)
      next[left] = next[right]
      if behind < count { previous[behind] = position }
      let before = Int(previous[left])
      if before >= 0 {
        pieces[before].merge = table.merge(pieces[before].token, token)
        queue.push(pieces[before].merge.rank, Int32(before))
      }
    }
    pieces.removeAll { $0.token < 0 }
  }
}
