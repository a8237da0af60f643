/// Normaliser of control characters and rare white space, `Nmt` of `tokenizers` (after SentencePiece's rules of that name).
struct NmtNormalizer: Normalizer, MemberlessComponent {
  static let type = "Nmt"

  func normalize(_ text: inout ChainText) {
    text.rewrite { source, target in
      source.forEachScalar { scalar, range in
        switch scalar {
        case 0x01...0x08, 0x0B, 0x0E...0x1F, 0x7F, 0x8F, 0x9F: break
        case 0x09, 0x0A, 0x0C, 0x0D, 0x1680, 0x200B...0x200F, 0x2028, 0x2029, 0x2581, 0xFEFF, 0xFFFD:
          target.append(0x20, origin: source.origins[range.lowerBound])
        default: target.append(source, range)
        }
      }
    }
  }
}
