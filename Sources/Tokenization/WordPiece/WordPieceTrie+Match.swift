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
  /// Cuts a word into pieces, the longest first at every place.
  ///
  /// - Parameters:
  ///   - word: the word in UTF-8, not empty.
  ///   - tokens: gets the ids of the pieces appended.
  ///   - ends: gets the position behind each piece, in bytes of the word.
  /// - Returns: false when the vocabulary cannot spell the word; then nothing has been appended.
  @inline(__always)
  func match<Counter: StepCounter>(
    _ word: Span<UInt8>, tokens: inout [Int32], ends: inout [Int32], counter: inout Counter
  ) -> Bool {
    let (base, check) = (base.span, check.span)
    let firstToken = tokens.count
    var node = Int(Self.root)
    var covered: Int32 = 0
    for position in 0..<word.count {
      let byte = Int(word[unchecked: position])
      while true {
        counter.step()
        let next = Int(base[unchecked: node]) + byte
        if check[unchecked: next] == Int32(truncatingIfNeeded: node) {
          node = next
          break
        }
        guard fail(&node, &covered, &tokens, &ends) else {
          tokens.removeLast(tokens.count - firstToken)
          ends.removeLast(ends.count - firstToken)
          return false
        }
      }
    }
    while node != Int(Self.suffixRoot) {
      counter.step()
      guard fail(&node, &covered, &tokens, &ends) else {
        tokens.removeLast(tokens.count - firstToken)
        ends.removeLast(ends.count - firstToken)
        return false
      }
    }
    return true
  }

  /// Emits the final pieces of a node and follows its failure link; false when there is none.
  @inline(__always)
  private func fail(
    _ node: inout Int, _ covered: inout Int32, _ tokens: inout [Int32], _ ends: inout [Int32]
  ) -> Bool {
    let target = failure[node]
    guard target >= 0 else { return false }
    let entry = Int(finals[node])
    for index in entry >> 16..<(entry >> 16 + entry & 0xFFFF) {
      let piece = pieces[index]
      covered += piece.length
      tokens.append(piece.token)
      ends.append(covered)
    }
    node = Int(target)
    return true
  }
}
