import Synchronization

/// A way to cut a word into tokens that are merged.
protocol WordMerging: Sendable {
  /// Cuts a word of at least one byte into tokens, which `scratch` then holds.
  func cut(_ word: Span<UInt8>, into scratch: inout MergeScratch)
}

extension MergeTable: WordMerging {
  func cut(_ word: Span<UInt8>, into scratch: inout MergeScratch) { scratch.merge(word, by: self) }
}

/// A word while its bytes are merged into tokens; one scratch serves many words.
struct MergeScratch {
  /// A token of the word.
  struct Piece {
    var token: Int32
    /// The byte behind it.
    var end: Int32
    /// The merge with the next token.
    var merge: MergeTable.Merge
  }

  /// The tokens of the word.
  var pieces: [Piece] = []
  private var queue = MergeQueue()

  /// Words of more pieces are merged by way of a queue, which keeps long words from taking quadratic time.
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
    mergePieces(by: table)
  }

  /// Adds a token of some bytes behind those that are there.
  mutating func add(_ token: Int32, bytes count: Int) {
    pieces.append(Piece(token: token, end: (pieces.last?.end ?? 0) + Int32(count), merge: .none))
  }

  /// Merges the tokens that were added, in the order of `merge`.
  mutating func mergeAdded(by table: MergeTable) {
    for index in pieces.indices.dropLast() {
      pieces[index].merge = table.merge(pieces[index].token, pieces[index + 1].token)
    }
    mergePieces(by: table)
  }

  private mutating func mergePieces(by table: MergeTable) {
    if pieces.count <= Self.scanLimit { mergeByScanning(table) } else { mergeByQueue(table) }
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

/// Merges in order of rank, equal ranks in order of position: a binary heap.
struct MergeQueue {
  /// Rank and position of each entry, packed in this order.
  private var heap: [UInt64] = []

  /// Adds a merge; `Int32.max` stands for none and is left out.
  mutating func push(_ rank: Int32, _ position: Int32) {
    if rank == .max { return }
    let entry = UInt64(UInt32(bitPattern: rank)) << 32 | UInt64(UInt32(bitPattern: position))
    heap.append(entry)
    var index = heap.count - 1
    while index > 0 {
      let parent = (index - 1) / 2
      if heap[parent] <= entry { break }
      heap[index] = heap[parent]
      index = parent
    }
    heap[index] = entry
  }

  /// Takes the first merge out.
  mutating func pop() -> (rank: Int32, position: Int32)? {
    guard let first = heap.first, let entry = heap.popLast() else { return nil }
    if !heap.isEmpty {
      var index = 0
      while true {
        var child = 2 * index + 1
        if child >= heap.count { break }
        if child + 1 < heap.count, heap[child + 1] < heap[child] { child += 1 }
        if entry <= heap[child] { break }
        heap[index] = heap[child]
        index = child
      }
      heap[index] = entry
    }
    return (Int32(truncatingIfNeeded: first >> 32), Int32(truncatingIfNeeded: first))
  }
}

/// Workspace of a text's cutting: room for a word, and the words merged lately.
struct MergeWorkspace {
  private(set) var scratch = MergeScratch()
  private var cache = WordCache()

  /// Cuts a word into tokens, which `scratch` then holds.
  ///
  /// - Parameter key: the word's key, nil for a word too long for one.
  mutating func merge(_ word: Span<UInt8>, _ key: WordKey?, by merging: some WordMerging) {
    guard let key else {
      merging.cut(word, into: &scratch)
      return
    }
    if cache.find(key, into: &scratch.pieces) { return }
    merging.cut(word, into: &scratch)
    cache.store(key, scratch.pieces)
  }
}

/// Workspaces that wait for the next text: as many as texts were cut at a time.
final class MergeWorkspaces: Sendable {
  private let free = Mutex<[MergeWorkspace]>([])

  /// Takes a workspace, which nobody else has meanwhile.
  func take() -> MergeWorkspace { free.withLock { $0.popLast() } ?? MergeWorkspace() }

  /// Gives a workspace back.
  func giveBack(_ workspace: consuming MergeWorkspace) {
    free.withLock { [workspace] in $0.append(workspace) }
  }
}

extension WordCache {
  /// Finds the tokens of a word; says whether they are there.
  @inline(__always)
  func find(_ key: WordKey, into pieces: inout [MergeScratch.Piece]) -> Bool {
    guard let entry = entry(of: key) else { return false }
    pieces.removeAll(keepingCapacity: true)
    for index in 0..<Self.tokenLimit where entry.tokens[index] >= 0 {
      pieces.append(
        MergeScratch.Piece(token: entry.tokens[index], end: Int32(entry.ends[index]), merge: .none))
    }
    return true
  }

  /// Remembers the tokens of a word, unless there are too many.
  mutating func store(_ key: WordKey, _ pieces: [MergeScratch.Piece]) {
    if pieces.count > Self.tokenLimit { return }
    var entry = Entry(key)
    for (index, piece) in pieces.enumerated() {
      entry.tokens[index] = piece.token
      entry.ends[index] = UInt8(piece.end)
    }
    store(entry, of: key)
  }
}
