import ModelFormats

/// Normaliser that puts a string before every text that is not empty, `Prepend` of `tokenizers`.
struct PrependNormalizer: Normalizer {
  static let type = "Prepend"

  let prefix: String

  init(_ reader: ComponentReader) throws(TokenizerError) { prefix = try reader.string("prepend") }

  /// A normaliser that puts a string before texts.
  init(_ prefix: String) { self.prefix = prefix }

  var json: JSONValue { ["type": .string(Self.type), "prepend": .string(prefix)] }

  func normalize(_ text: inout ChainText) {
    guard let origin = text.text.origins.first, !prefix.isEmpty else { return }
    let prefix = Array(prefix.utf8)
    text.rewrite { source, target in
      // It stands for the text's first character.
      target.append(prefix, origin: origin)
      target.append(source, 0..<source.count)
    }
  }
}
