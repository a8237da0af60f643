import ModelFormats

/// Normaliser that removes combining marks of every kind (the categories M*), `StripAccents` of `tokenizers`; accents of
/// composed characters are marks only behind `NFD` or `NFKD`.
struct StripAccentsNormalizer: Normalizer {
  static let type = "StripAccents"

  init(_ reader: ComponentReader) throws(TokenizerError) {}

  /// A normaliser that removes combining marks.
  init() {}

  var json: JSONValue { ["type": .string(Self.type)] }

  func normalize(_ text: inout ChainText) {
    text.rewrite { source, target in
      source.forEachScalar { scalar, range in
        if !UnicodeFormTables.shared.isMark(scalar) { target.append(source, range) }
      }
    }
  }
}
