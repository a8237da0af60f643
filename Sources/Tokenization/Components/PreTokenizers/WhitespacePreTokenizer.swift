/// Pre-tokenizer that splits into words and runs of other characters, without white space, `Whitespace` of `tokenizers`:
/// the matches of `\w+|[^\w\s]+`.
struct WhitespacePreTokenizer: PreTokenizer, MemberlessComponent {
  static let type = "Whitespace"

  private enum Kind { case word, white, other }

  func split(_ text: inout ChainText) {
    text.split { text, piece, pieces in
      var (start, position, kind) = (piece.lowerBound, piece.lowerBound, Kind.white)
      while position < piece.upperBound {
        let (scalar, length) = text.scalar(at: position)
        let next = Self.kind(of: scalar)
        if next != kind {
          if kind != .white { pieces.append(start..<position) }
          (start, kind) = (position, next)
        }
        position += length
      }
      if kind != .white { pieces.append(start..<position) }
    }
  }

  private static func kind(of scalar: UInt32) -> Kind {
    if UnicodeTables.shared.properties(of: scalar).contains(.white) { return .white }
    return AddedTokenMatcher.isWordCharacter(scalar) ? .word : .other
  }
}
