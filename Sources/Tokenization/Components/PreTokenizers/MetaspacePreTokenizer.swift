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
    text.rewritePieces { source, old, target, pieces in
      let (bytes, origins) = (source.bytes.span, source.origins.span)
      var spaces = 0
      for position in 0..<bytes.count where bytes[unchecked: position] == UInt8(ascii: " ") { spaces += 1 }
      // A sign in front of each piece and in the place of each space.
      target.fill(upTo: source.count + (old.count + spaces) * sign.count) { newBytes, newOrigins in
        var end = 0
        func append(_ text: [UInt8], origin: Int32) {
          for byte in text {
            (newBytes[end], newOrigins[end]) = (byte, origin)
            end += 1
          }
        }
        for piece in old {
          var start = end
          let begins =
            bytes[piece.lowerBound] == UInt8(ascii: " ")
            || Self.isSign(sign, in: bytes, at: piece.lowerBound, piece)
          let prepends =
            switch scheme {
            case .always: !begins
            case .first: !begins && origins[piece.lowerBound] == 0
            case .never: false
            }
          if prepends { append(sign, origin: origins[piece.lowerBound]) }
          for position in piece {
            let byte = bytes[unchecked: position]
            let isSpace = byte == UInt8(ascii: " ")
            if isSpace || byte == sign[0] && Self.isSign(sign, in: bytes, at: position, piece) {
              if splits, end > start {
                pieces.append(start..<end)
                start = end
              }
              if isSpace {
                append(sign, origin: origins[unchecked: position])
                continue
              }
            }
            newBytes[end] = byte
            newOrigins[end] = origins[unchecked: position]
            end += 1
          }
          pieces.append(start..<end)
        }
        return end
      }
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
