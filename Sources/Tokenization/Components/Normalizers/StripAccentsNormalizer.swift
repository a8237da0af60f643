/// Normaliser that removes combining marks of every kind (the categories M*), `StripAccents` of `tokenizers`; accents of
/// composed characters are marks only behind `NFD` or `NFKD`.
struct StripAccentsNormalizer: Normalizer, MemberlessComponent {
  static let type = "StripAccents"

  func normalize(_ text: inout ChainText) {
    text.rewrite { source, target in
      source.forEachScalar { scalar, range in
        if !UnicodeFormTables.shared.isMark(scalar) { target.append(source, range) }
      }
    }
  }
}
