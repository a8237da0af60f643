/// Cuts white space off the ends of offsets, as byte-level post-processors of `tokenizers` do with `trim_offsets`.
final class OffsetTrimming: Sendable {
  /// How many white-space characters a token begins and ends with.
  struct Spaces: Equatable {
    var leading: Int32 = 0
    var trailing: Int32 = 0
  }

  /// Whether the one space that a text's first token begins with stays inside, since it may have been put there
  /// (the post-processor's `add_prefix_space`).
  let keepsFirstSpace: Bool
  /// The white space of each token of the vocabulary.
  private let spaces: [Spaces]

  init(_ vocabulary: Vocabulary, keepsFirstSpace: Bool) {
    self.keepsFirstSpace = keepsFirstSpace
    spaces = vocabulary.tokens.map(Self.spaces)
  }

  /// The same trimming, which keeps the first space inside or does not.
  init(_ other: OffsetTrimming, keepsFirstSpace: Bool) {
    self.keepsFirstSpace = keepsFirstSpace
    spaces = other.spaces
  }

  /// The white space around a token, the byte-level alphabet's sign for a space included.
  private static func spaces(of token: String) -> Spaces {
    func isWhite(_ scalar: Unicode.Scalar) -> Bool {
      scalar == ByteLevelAlphabet.space
        || UnicodeTables.shared.properties(of: scalar.value).contains(.white)
    }
    let scalars = token.unicodeScalars
    return Spaces(
      leading: Int32(scalars.prefix(while: isWhite).count),
      trailing: Int32(scalars.reversed().prefix(while: isWhite).count))
  }

  /// The offsets of a token without its white space.
  ///
  /// - Parameters:
  ///   - matched: the text of an added token, which counts instead of the vocabulary's.
  ///   - isFirst: whether it is the first token of its text.
  func trimmed(_ token: TokenBuffer.Token, matched: String?, isFirst: Bool) -> Range<Int> {
    let spaces = matched.map(Self.spaces) ?? spaces[Int(token.id)]
    var (start, end) = (token.start, token.end)
    let isKept = spaces.leading == 1 && keepsFirstSpace && (isFirst || start == 0)
    if !isKept { start = min(start + spaces.leading, end) }
    if end >= spaces.trailing { end = max(end - spaces.trailing, start) }
    return Int(start)..<Int(end)
  }
}
