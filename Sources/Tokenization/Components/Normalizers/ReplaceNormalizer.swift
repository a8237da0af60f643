import ModelFormats

/// Normaliser that replaces what a pattern matches, `Replace` of `tokenizers`.
struct ReplaceNormalizer: Normalizer {
  static let type = "Replace"

  let pattern: TextPattern
  let content: String

  init(_ reader: ComponentReader) throws(TokenizerError) {
    pattern = try TextPattern(reader)
    content = try reader.string("content")
  }

  /// A normaliser that replaces a string or what an expression matches.
  init(_ pattern: TextPattern, by content: String) {
    self.pattern = pattern
    self.content = content
  }

  var json: JSONValue {
    ["type": .string(Self.type), "pattern": pattern.json, "content": .string(content)]
  }

  func normalize(_ text: inout ChainText) {
    let matches = pattern.matches(in: text.text.bytes, 0..<text.text.count)
    if matches.isEmpty { return }
    let content = Array(content.utf8)
    text.rewrite { source, target in
      var done = 0
      for match in matches {
        target.append(source, done..<match.lowerBound)
        // What is put there stands for the last character that it replaces.
        target.append(content, origin: source.origins[match.upperBound - 1])
        done = match.upperBound
      }
      target.append(source, done..<source.count)
    }
  }
}
