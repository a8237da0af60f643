import ModelFormats

/// Pre-tokenizer that writes spaces as a sign, ▁, with which words begin, `Metaspace` of `tokenizers`.
struct MetaspacePreTokenizer: PreTokenizer {
  static let type = "Metaspace"

  /// Pieces that get a sign in front of them, unless they begin with one.
  enum PrependScheme: String, Sendable, CaseIterable {
    /// Only a piece that begins where the text does.
    case first
    /// No piece.
    case never
    /// Every piece.
    case always
  }

  /// The sign.
  let sign: Unicode.Scalar
  let scheme: PrependScheme
  /// Whether pieces are split before each sign.
  let splits: Bool

  /// SentencePiece's sign.
  static let underline: Unicode.Scalar = "\u{2581}"

  init(_ reader: ComponentReader) throws(TokenizerError) {
    let sign = try reader.string("replacement").unicodeScalars
    guard sign.count == 1, let sign = sign.first else {
      throw reader.fault("replacement", expected: "one character")
    }
    self.sign = sign
    splits = try reader.flag("split") ?? true
    var scheme = PrependScheme.always
    if let name = reader.value["prepend_scheme"] {
      guard let known = name.stringValue.flatMap(PrependScheme.init) else {
        throw reader.fault(
          "prepend_scheme",
          expected: "one of " + PrependScheme.allCases.map(\.rawValue).joined(separator: ", "))
      }
      scheme = known
    }
    // The older spelling of never.
    if try reader.flag("add_prefix_space") == false, scheme != .never {
      guard reader.value["prepend_scheme"] == nil else {
        throw reader.fault("add_prefix_space", "found false, which contradicts prepend_scheme")
      }
      throw reader.fault(
        "add_prefix_space", "found false without \"prepend_scheme\": \"never\", which tokenizers refuses")
    }
    self.scheme = scheme
  }

  /// A pre-tokenizer that writes spaces as ▁.
  init(_ scheme: PrependScheme = .always, splits: Bool = true) {
    sign = Self.underline
    self.scheme = scheme
    self.splits = splits
  }

  var json: JSONValue {
    [
      "type": .string(Self.type), "replacement": .string(String(sign)),
      "prepend_scheme": .string(scheme.rawValue), "split": .bool(splits),
    ]
  }

  func split(_ text: inout ChainText) {
    let sign = Array(String(self.sign).utf8)
    text.rewritePieces { source, piece, target, pieces in
      let (bytes, origins) = (source.bytes.span, source.origins.span)
      var start = target.count
      let first = bytes[piece.lowerBound]
      let begins = first == UInt8(ascii: " ") || Self.isSign(sign, in: bytes, at: piece.lowerBound, piece)
      let prepends =
        switch scheme {
        case .always: !begins
        case .first: !begins && origins[piece.lowerBound] == 0
        case .never: false
        }
      if prepends { target.append(sign, origin: origins[piece.lowerBound]) }
      for position in piece {
        let byte = bytes[unchecked: position]
        let isSpace = byte == UInt8(ascii: " ")
        if isSpace || byte == sign[0] && Self.isSign(sign, in: bytes, at: position, piece) {
          if splits, target.count > start {
            pieces.append(start..<target.count)
            start = target.count
          }
          if isSpace {
            target.append(sign, origin: origins[position])
            continue
          }
        }
        target.bytes.append(byte)
        target.origins.append(origins[unchecked: position])
      }
      pieces.append(start..<target.count)
    }
  }

  @inline(__always)
  private static func isSign(_ sign: [UInt8], in text: Span<UInt8>, at position: Int, _ piece: Range<Int>)
    -> Bool
  {
    guard position + sign.count <= piece.upperBound else { return false }
    for index in 0..<sign.count where text[position + index] != sign[index] { return false }
    return true
  }
}
