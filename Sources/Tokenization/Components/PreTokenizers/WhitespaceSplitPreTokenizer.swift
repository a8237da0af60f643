/// Pre-tokenizer that splits at white space, which is gone, `WhitespaceSplit` of `tokenizers`.
struct WhitespaceSplitPreTokenizer: PreTokenizer, MemberlessComponent {
  static let type = "WhitespaceSplit"

  func split(_ text: inout ChainText) {
    let tables = UnicodeTables.shared
    text.split { text, piece, pieces in
      var (start, position) = (piece.lowerBound, piece.lowerBound)
      while position < piece.upperBound {
        let byte = text[unchecked: position]
        // Most bytes begin nothing white: ASCII above the space, and letters from U+00C0 to U+15FF and U+3400 to U+FFFF.
        if byte > 0x20, byte != 0xC2, byte < 0xE1 || byte > 0xE3 {
          position += 1
          continue
        }
        let (scalar, length) = text.scalar(at: position)
        if tables.properties(of: scalar).contains(.white) {
          if start < position { pieces.append(start..<position) }
          start = position + length
        }
        position += length
      }
      if start < position { pieces.append(start..<position) }
    }
  }
}
