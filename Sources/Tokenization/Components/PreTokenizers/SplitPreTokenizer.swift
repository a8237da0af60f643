import ModelFormats

/// Pre-tokenizer that splits at what a pattern matches, `Split` of `tokenizers`.
struct SplitPreTokenizer: PreTokenizer {
  static let type = "Split"

  let pattern: TextPattern
  let behavior: SplitBehavior
  /// Whether what lies between matches counts as the matches.
  let inverts: Bool

  init(_ reader: ComponentReader) throws(TokenizerError) {
    pattern = try TextPattern(reader)
    behavior = try SplitBehavior(reader)
    inverts = try reader.requiredFlag("invert")
  }

  /// A pre-tokenizer that splits at what a pattern matches.
  init(_ pattern: TextPattern, _ behavior: SplitBehavior, inverts: Bool = false) {
    self.pattern = pattern
    self.behavior = behavior
    self.inverts = inverts
  }

  var json: JSONValue {
    [
      "type": .string(Self.type), "pattern": pattern.json, "behavior": .string(behavior.rawValue),
      "invert": .bool(inverts),
    ]
  }

  func split(_ text: inout ChainText) {
    let bytes = text.text.bytes
    text.split { _, piece, pieces in
      behavior.pieces(
        of: piece, matches: pattern.matches(in: bytes, piece), inverts: inverts, into: &pieces)
    }
  }
}
