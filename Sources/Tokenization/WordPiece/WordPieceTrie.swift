/// A WordPiece vocabulary as a trie with failure links: cuts a word into its longest pieces in time linear in its length.
///
/// After Song, Salcianu, Song, Dopson and Zhou, "Fast WordPiece Tokenization" (EMNLP 2021). Where the next byte has no
/// child, the node's list of pieces is known to be final and the failure link leads to the longest rest that can still
/// go on. Transitions lie in a double array.
struct WordPieceTrie: Sendable {
  /// The double array: a slot for each node, and free ones.
  let nodes: [Node]
  /// What happens at each slot's node when the next byte has no child.
  let links: [Link]
  /// Final pieces of the nodes that have several.
  let pieces: [Piece]

  static let root: Int32 = 0
  static let suffixRoot: Int32 = 1

  /// A slot of the double array.
  struct Node: Sendable {
    /// The child along byte c lies in slot base + c, if it exists.
    var base: Int32 = 0
    /// The parent's slot, -1 for a free one.
    var check: Int32 = -1
  }

  /// The final pieces of a node and where its failure leads.
  struct Link: Sendable {
    /// The slot to go on from, -1 for none: then the vocabulary cannot spell the word.
    var failure: Int32 = -1
    /// The number of final pieces.
    var count: Int32 = 0
    /// The only piece's token, or where the pieces lie in `pieces`.
    var first: Int32 = 0
    /// The only piece's length in bytes.
    var length: Int32 = 0
  }

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
  ///   - maximumWordLength: tokens of more bytes than this many scalars can have never match and are left out.
  init(_ vocabulary: Vocabulary, prefix: String, maximumWordLength: Int) {
    // Words never hold punctuation beside other characters, so "##ing" itself is never the start of a word.
    let isPunctuated = prefix.unicodeScalars.contains {
      UnicodeTables.shared.properties(of: $0.value).contains(.punctuation)
    }
    let prefix = Array(prefix.utf8)
    let limit = min(max(maximumWordLength, 0), 16_000) * 4
    var trie = TrieBuilder(expectedCount: vocabulary.count * 4)
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
    let layout = DoubleArrayLayout(trie, order)
    nodes = layout.nodes
    (links, pieces) = Self.links(trie, order, layout)
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

  /// Failure links and final pieces of all slots.
  private static func links(
    _ trie: TrieBuilder, _ order: [Int32], _ layout: DoubleArrayLayout
  ) -> (links: [Link], pieces: [Piece]) {
    var links = [Link](repeating: Link(), count: layout.nodes.count)
    var pieces: [Piece] = []
    func appendPieces(of slot: Int32) {
      let link = links[Int(slot)]
      if link.count == 1 {
        pieces.append(Piece(token: link.first, length: link.length))
      } else {
        for index in Int(link.first)..<Int(link.first + link.count) { pieces.append(pieces[index]) }
      }
    }
    // Parents come before children, so that their links are there.
    for node in order.dropFirst(2) {
      let slot = Int(layout.slots[Int(node)])
      let token = trie.tokens[Int(node)]
      if token >= 0 {
        links[slot] = Link(
          failure: Self.suffixRoot, count: 1, first: token, length: trie.depths[Int(node)])
        continue
      }
      let parent = layout.nodes[slot].check
      let byte = trie.bytes[Int(node)]
      let start = pieces.count
      appendPieces(of: parent)
      var rest = links[Int(parent)].failure
      while rest >= 0, layout.child(of: rest, byte) < 0 {
        appendPieces(of: rest)
        rest = links[Int(rest)].failure
      }
      if rest >= 0 {
        let count = pieces.count - start
        links[slot] = Link(
          failure: layout.child(of: rest, byte), count: Int32(count), first: Int32(start), length: 0)
        if count == 1 {
          (links[slot].first, links[slot].length) = (pieces[start].token, pieces[start].length)
          pieces.removeLast()
        }
      } else {
        pieces.removeLast(pieces.count - start)
      }
    }
    return (links, pieces)
  }
}
