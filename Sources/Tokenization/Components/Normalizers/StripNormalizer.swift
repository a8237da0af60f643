import ModelFormats

/// Normaliser that removes white space at the ends of a text, `Strip` of `tokenizers`.
struct StripNormalizer: Normalizer {
  static let type = "Strip"

  let left: Bool
  let right: Bool

  init(_ reader: ComponentReader) throws(TokenizerError) {
    left = try reader.requiredFlag("strip_left")
    right = try reader.requiredFlag("strip_right")
  }

  /// A normaliser that strips the ends it is told.
  init(left: Bool, right: Bool) {
    self.left = left
    self.right = right
  }

  var json: JSONValue {
    ["type": .string(Self.type), "strip_left": .bool(left), "strip_right": .bool(right)]
  }

  func normalize(_ text: inout ChainText) {
    let kept = kept(of: text.text.bytes.span)
    if kept.count == text.text.count { return }
    text.rewrite { source, target in target.append(source, kept) }
  }

  /// The stretch of a text that stays.
  private func kept(of text: Span<UInt8>) -> Range<Int> {
    let tables = UnicodeTables.shared
    var (start, end) = (0, text.count)
    if left {
      while start < end {
        let (scalar, length) = text.scalar(at: start)
        if !tables.properties(of: scalar).contains(.white) { break }
        start += length
      }
    }
    if right {
      while end > start, let (scalar, length) = text.scalar(before: end) {
        if !tables.properties(of: scalar).contains(.white) { break }
        end -= length
      }
    }
    return start..<end
  }
}
