/// Cutter of UTF-8 text into the tokens of a byte-level BPE vocabulary: splits it into words and merges their bytes.
final class BytePairCutter: TextCutter {
  let table: MergeTable
  private let wholeWords: WholeWords
  private let workspaces = MergeWorkspaces()
  private let splitter = ByteLevelSplitter.shared
  /// Whether a stretch that does not begin with a space gets one.
  private let addsPrefixSpace: Bool
  /// Whether text is split into words at all.
  private let splits: Bool

  init(_ vocabulary: Vocabulary, _ table: MergeTable, _ options: ByteLevelBPEOptions) {
    self.table = table
    wholeWords = WholeWords(vocabulary, table)
    addsPrefixSpace = options.addPrefixSpace
    splits = options.useRegex
  }

  /// The same cutter, which puts a space before each stretch or does not.
  init(_ other: BytePairCutter, addsPrefixSpace: Bool) {
    table = other.table
    wholeWords = other.wholeWords
    self.addsPrefixSpace = addsPrefixSpace
    splits = other.splits
  }

  func normalized(_ content: [UInt8]) -> [UInt8] { content }

  func cut(
    _ text: Span<UInt8>, firstOrigin: Int32, finding tokens: AddedTokenMatcher,
    into output: inout TokenBuffer
  ) {
    if !tokens.mayMatch(text) {
      cut(text, firstOrigin: firstOrigin, into: &output)
      return
    }
    var origin = firstOrigin
    for stretch in tokens.split(text) {
      let piece = text.extracting(stretch.range)
      let end = origin + piece.scalarCount
      if let id = stretch.id {
        output.append(match: id, origin, end, text: String(copying: piece))
      } else {
        cut(piece, firstOrigin: origin, into: &output)
      }
      origin = end
    }
  }

  func cut(_ text: Span<UInt8>, firstOrigin: Int32, into output: inout TokenBuffer) {
    guard addsPrefixSpace, text[0] != UInt8(ascii: " ") else {
      cutWords(text, firstOrigin, &output)
      return
    }
    let first = output.count
    var longer: [UInt8] = [UInt8(ascii: " ")]
    longer.reserveCapacity(text.count + 1)
    for position in 0..<text.count { longer.append(text[unchecked: position]) }
    cutWords(longer.span, firstOrigin - 1, &output)
    // The space that was put there counts as part of the first character.
    for index in first..<output.count {
      if output.tokens[index].start >= firstOrigin { break }
      output.tokens[index].start = firstOrigin
      output.tokens[index].end = max(output.tokens[index].end, firstOrigin + 1)
    }
  }

  private func cutWords(_ text: Span<UInt8>, _ firstOrigin: Int32, _ output: inout TokenBuffer) {
    var workspace = workspaces.take()
    defer { workspaces.giveBack(workspace) }
    var origin = firstOrigin
    var start = 0
    while start < text.count {
      let word =
        splits
        ? splitter.word(in: text, at: start) : ByteLevelSplitter.Word(end: text.count, isASCII: false)
      let range = start..<word.end
      var key: WordKey?
      var token: Int32 = -1
      if range.count <= WordKey.limit {
        let found = WordKey(text, range)
        token = wholeWords.token(of: found)
        key = found
      }
      if token >= 0 {
        let end = origin + (word.isASCII ? Int32(range.count) : text.extracting(range).scalarCount)
        output.append(token, origin, end)
        origin = end
      } else {
        let bytes = text.extracting(range)
        workspace.merge(bytes, key, by: table)
        if word.isASCII {
          origin = appendASCII(workspace.scratch.pieces, origin, &output)
        } else {
          origin = append(workspace.scratch.pieces, bytes, origin, &output)
        }
        output.wordCount += 1
      }
      start = word.end
    }
  }

  /// Appends the tokens of a word whose bytes are its characters; returns the position behind it.
  private func appendASCII(
    _ pieces: [MergeScratch.Piece], _ origin: Int32, _ output: inout TokenBuffer
  ) -> Int32 {
    var start = origin
    for piece in pieces {
      let end = origin + piece.end
      output.appendPiece(piece.token, start: start, end: end)
      start = end
    }
    return start
  }

  /// Appends the tokens of a word; each covers every character of which it has a byte.
  private func append(
    _ pieces: [MergeScratch.Piece], _ word: Span<UInt8>, _ origin: Int32, _ output: inout TokenBuffer
  ) -> Int32 {
    // The position behind the last character that has begun.
    var begun = origin
    var position = 0
    for piece in pieces {
      let start = word[unchecked: position] & 0xC0 == 0x80 ? begun - 1 : begun
      while position < Int(piece.end) {
        if word[unchecked: position] & 0xC0 != 0x80 { begun += 1 }
        position += 1
      }
      output.appendPiece(piece.token, start: start, end: begun)
    }
    return begun
  }
}
