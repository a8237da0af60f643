import ModelFormats

/// Pattern of a `Replace` or `Split`: a string, or a regular expression of the kinds that tokenizers' files hold.
struct TextPattern: Sendable {
  private enum Kind: Sendable {
    case string([UInt8])
    case expression(TextExpression)
  }

  private let kind: Kind
  /// The string or the expression as it is written.
  private let source: String

  /// A pattern that matches a string.
  init(string: String) {
    kind = .string(Array(string.utf8))
    source = string
  }

  /// A pattern that matches a regular expression.
  ///
  /// - Throws: `TextExpression.Fault` for one that Potstill does not have.
  init(expression: String) throws(TextExpression.Fault) {
    kind = .expression(try TextExpression(expression))
    source = expression
  }

  /// A pattern that matches two spaces and more.
  static let spaces = TextPattern(
    kind: .expression(TextExpression(atLeast: 2, of: ScalarSet(ranges: [0x20...0x20]))), source: " {2,}")

  private init(kind: Kind, source: String) { (self.kind, self.source) = (kind, source) }

  /// Reads the `pattern` of a component.
  init(_ reader: ComponentReader) throws(TokenizerError) {
    if let string = reader.value["pattern"]?["String"]?.stringValue {
      guard !string.isEmpty else {
        throw reader.fault("pattern", "found an empty string, which matches nothing")
      }
      self.init(string: string)
    } else if let expression = reader.value["pattern"]?["Regex"]?.stringValue {
      do {
        try self.init(expression: expression)
      } catch {
        throw reader.fault(
          "pattern.Regex",
          "the regular expression \"\(printable(expression, atMost: 200))\" \(error.reason); supported: characters,"
            + " classes such as [^\\s\\p{L}\\p{N}], groups, |, greedy repetition, lookahead, \\A, \\z")
      }
    } else {
      throw reader.fault("pattern", expected: "{\"String\": …} or {\"Regex\": …}")
    }
  }

  var json: JSONValue {
    switch kind {
    case .string: ["String": .string(source)]
    case .expression: ["Regex": .string(source)]
    }
  }

  /// The matches in a stretch of a text, from left to right, none empty and none over another; nothing beyond the stretch
  /// is looked at.
  func matches(in text: [UInt8], _ range: Range<Int>) -> [Range<Int>] {
    var found: [Range<Int>] = []
    var position = range.lowerBound
    while position < range.upperBound {
      let end: Int? =
        switch kind {
        case .string(let string): Self.match(string, in: text, at: position, before: range.upperBound)
        case .expression(let expression): expression.match(in: text, at: position, within: range)
        }
      if let end {
        found.append(position..<end)
        position = end
      } else {
        position += text.span.scalar(at: position).length
      }
    }
    return found
  }

  private static func match(_ string: [UInt8], in text: [UInt8], at start: Int, before limit: Int) -> Int? {
    guard start + string.count <= limit else { return nil }
    for (index, byte) in string.enumerated() where text[start + index] != byte { return nil }
    return start + string.count
  }
}
