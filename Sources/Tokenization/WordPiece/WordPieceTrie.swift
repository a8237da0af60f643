/// A WordPiece vocabulary as a trie with failure links: cuts a word into its longest pieces in time linear in its length.
///
/// After Song, Salcianu, Song, Dopson and Zhou, "Fast WordPiece Tokenization" (EMNLP 2021). Where the next byte has no
/// child, the node's list of pieces is known to be final and the failure link leads to the longest rest that can still
/// go on. Transitions lie in a double array.
struct WordPieceTrie: Sendable {
  /// The double array: a slot for each node, and free ones.
  let nodes: [DoubleArrayBuilder.Node]
  /// The link of each slot's node, for a next byte without a child.
  let links: [Link]
  /// Final pieces of the nodes that have several.
  let pieces: [Piece]

  static let root: Int32 = 0
  static let suffixRoot: Int32 = 1

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

/// Counter of the steps of a match; the counter that counts nothing costs nothing.
protocol StepCounter {
  mutating func step()
}

/// Counter of nothing.
struct NoStepCounter: StepCounter {
  @inline(__always) mutating func step() {}
}

/// Counter of transitions and failures, for the test that guards linear time.
struct CountingStepCounter: StepCounter {
  private(set) var count = 0
  mutating func step() { count += 1 }
}

extension WordPieceTrie {
  /// A match in progress: where it stands and how many bytes its pieces cover.
  struct Cursor {
    var node = Int(WordPieceTrie.root)
    var covered: Int32 = 0
  }

  /// Goes along one byte of a word; false when the vocabulary cannot spell the word.
  ///
  /// Pieces that become final are appended to `output` with their ends in bytes of the word.
  @inline(__always)
  func advance<Counter: StepCounter>(
    _ cursor: inout Cursor, _ byte: UInt8, into output: inout TokenBuffer, counter: inout Counter
  ) -> Bool {
    let nodes = nodes.span
    while true {
      counter.step()
      // Every base is at least 256 below the end of the array.
      let next = Int(nodes[unchecked: cursor.node].base) + Int(byte)
      if nodes[unchecked: next].check == Int32(truncatingIfNeeded: cursor.node) {
        cursor.node = next
        return true
      }
      guard fail(&cursor, into: &output) else { return false }
    }
  }

  /// Ends a word; false when the vocabulary cannot spell it.
  @inline(__always)
  func finish<Counter: StepCounter>(
    _ cursor: inout Cursor, into output: inout TokenBuffer, counter: inout Counter
  ) -> Bool {
    while cursor.node != Int(Self.suffixRoot) {
      counter.step()
      guard fail(&cursor, into: &output) else { return false }
    }
    return true
  }

  /// Cuts a word into pieces, the longest first at every place.
  ///
  /// - Parameters:
  ///   - word: the word in UTF-8, not empty.
  ///   - output: gets the pieces appended, with ends in bytes of the word.
  /// - Returns: false when the vocabulary cannot spell the word; then nothing has been appended.
  func match<Counter: StepCounter>(
    _ word: Span<UInt8>, into output: inout TokenBuffer, counter: inout Counter
  ) -> Bool {
    let count = output.count
    var cursor = Cursor()
    for position in 0..<word.count
    where !advance(&cursor, word[unchecked: position], into: &output, counter: &counter) {
      output.truncate(to: count)
      return false
    }
    if finish(&cursor, into: &output, counter: &counter) { return true }
    output.truncate(to: count)
    return false
  }

  /// Appends the final pieces of a node and follows its failure link; false when there is none.
  @inline(__always)
  private func fail(_ cursor: inout Cursor, into output: inout TokenBuffer) -> Bool {
    let link = links.span[unchecked: cursor.node]
    if link.failure < 0 { return false }
    if link.count == 1 {
      cursor.covered += link.length
      output.appendPiece(link.first, end: cursor.covered)
    } else {
      for index in Int(link.first)..<Int(link.first + link.count) {
        let piece = pieces[index]
        cursor.covered += piece.length
        output.appendPiece(piece.token, end: cursor.covered)
      }
    }
    cursor.node = Int(link.failure)
    return true
  }
}
