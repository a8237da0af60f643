/// A WordPiece vocabulary as a trie with failure links: cuts a word into its longest pieces in time linear in its length.
///
/// After Song, Salcianu, Song, Dopson and Zhou, "Fast WordPiece Tokenization" (EMNLP 2021). Where the next byte has no
/// child, the node's list of pieces is known to be final and the failure link leads to the longest rest that can still
/// go on. Transitions lie in a double array: the child of node s along byte c is `base[s] + c` if its check is s.
struct WordPieceTrie: Sendable {
  /// Double array: base of each node.
  let base: [Int32]
  /// Double array: the parent of each node, -1 for a free slot.
  let check: [Int32]
  /// Where each node's failure leads, -1 if nowhere.
  let failure: [Int32]
  /// Where each node's final pieces lie in `pieces`: start << 16 | count.
  let finals: [UInt64]
  /// Final pieces of all nodes.
  let pieces: [Piece]

  static let root: Int32 = 0
  static let suffixRoot: Int32 = 1

  /// A token and the number of bytes of a word that it covers.
  struct Piece: Sendable {
    var token: Int32
    var length: Int32
  }

  /// Builds the trie of a vocabulary.
  ///
  /// - Parameters:
  ///   - vocabulary: tokens with their ids.
  ///   - prefix: what marks a token that continues a word.
  ///   - maximumLength: tokens of more bytes than this many scalars can have never match and are left out.
  init(_ vocabulary: Vocabulary, prefix: String, maximumWordLength: Int) {
    let prefix = Array(prefix.utf8)
    let limit = min(max(maximumWordLength, 0), 16_000) * 4
    // Words never hold punctuation beside other characters, so "##ing" itself is never the start of a word.
    let isPunctuated = prefix.contains {
      UnicodeTables.shared.properties(of: UInt32($0)).contains(.punctuation)
    }
    var trie = TrieBuilder()
    vocabulary.forEach { token, id in
      let isContinuation = token.count > prefix.count && prefix.indices.allSatisfy { token[$0] == prefix[$0] }
      if !(isContinuation && isPunctuated), token.count > 0, token.count <= limit {
        trie.insert(token, token: id, below: TrieBuilder.root)
      }
      if isContinuation, token.count - prefix.count <= limit {
        trie.insert(token.extracting(prefix.count...), token: id, below: TrieBuilder.suffixRoot)
      }
    }
    let order = Self.breadthFirst(trie)
    let links = Self.links(trie, order)
    let layout = DoubleArrayLayout(trie, order)
    base = layout.base
    check = layout.check
    var failure = [Int32](repeating: -1, count: layout.base.count)
    var finals = [UInt64](repeating: 0, count: layout.base.count)
    for node in 0..<trie.count {
      let slot = Int(layout.slots[node])
      let target = links.failure[node]
      failure[slot] = target < 0 ? -1 : layout.slots[Int(target)]
      finals[slot] = links.finals[node]
    }
    self.failure = failure
    self.finals = finals
    pieces = links.pieces
  }

  private static func breadthFirst(_ trie: TrieBuilder) -> [Int32] {
    var order: [Int32] = [TrieBuilder.root, TrieBuilder.suffixRoot]
    order.reserveCapacity(trie.count)
    var next = 0
    while next < order.count {
      var child = trie.firstChild[Int(order[next])]
      while child >= 0 {
        order.append(child)
        child = trie.nextSibling[Int(child)]
      }
      next += 1
    }
    return order
  }

  /// Failure links and final pieces of all nodes, parents before children.
  private static func links(
    _ trie: TrieBuilder, _ order: [Int32]
  ) -> (failure: [Int32], finals: [UInt64], pieces: [Piece]) {
    var failure = [Int32](repeating: -1, count: trie.count)
    var finals = [UInt64](repeating: 0, count: trie.count)
    var pieces: [Piece] = []
    func range(of node: Int32) -> Range<Int> {
      let entry = Int(finals[Int(node)])
      return entry >> 16..<(entry >> 16 + entry & 0xFFFF)
    }
    for node in order.dropFirst(2) {
      let start = pieces.count
      let token = trie.tokens[Int(node)]
      if token >= 0 {
        failure[Int(node)] = TrieBuilder.suffixRoot
        pieces.append(Piece(token: token, length: trie.depths[Int(node)]))
      } else {
        let parent = trie.parents[Int(node)]
        let byte = trie.bytes[Int(node)]
        var rest = failure[Int(parent)]
        for index in range(of: parent) { pieces.append(pieces[index]) }
        while rest >= 0, trie.child(of: rest, byte) < 0 {
          for index in range(of: rest) { pieces.append(pieces[index]) }
          rest = failure[Int(rest)]
        }
        if rest >= 0 {
          failure[Int(node)] = trie.child(of: rest, byte)
        } else {
          pieces.removeLast(pieces.count - start)
        }
      }
      // A piece covers at least one byte, so the limit on the length of tokens bounds the count.
      finals[Int(node)] = UInt64(start << 16 | (pieces.count - start))
    }
    return (failure, finals, pieces)
  }
}
