/// Counts the steps of a match; the counter that counts nothing costs nothing.
protocol StepCounter {
  mutating func step()
}

/// Counts nothing.
struct NoStepCounter: StepCounter {
  @inline(__always) mutating func step() {}
}

/// Counts transitions and failures, for the test that guards linear time.
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
