/// Normaliser that lower-cases a text scalar by scalar, `Lowercase` of `tokenizers`.
struct LowercaseNormalizer: Normalizer, MemberlessComponent {
  static let type = "Lowercase"

  func normalize(_ text: inout ChainText) {
    let tables = UnicodeTables.shared
    text.rewrite { source, target in
      var parts: [UInt32] = []
      source.forEachScalar { scalar, range in
        guard tables.properties(of: scalar).contains(.lowercases) else {
          target.append(source, range)
          return
        }
        parts.removeAll(keepingCapacity: true)
        tables.lowercase(scalar, into: &parts)
        for part in parts { target.append(part, origin: source.origins[range.lowerBound]) }
      }
    }
  }
}
