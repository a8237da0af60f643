import ModelFormats

/// Normaliser of BERT, `BertNormalizer` of `tokenizers`: cleans text, sets Chinese characters apart, strips accents,
/// lower-cases.
struct BertNormalizer: Normalizer {
  static let type = "BertNormalizer"

  let options: BertTokenizerOptions

  init(_ reader: ComponentReader) throws(TokenizerError) {
    var options = BertTokenizerOptions()
    options.cleanText = try reader.requiredFlag("clean_text")
    options.handleChineseCharacters = try reader.requiredFlag("handle_chinese_chars")
    options.stripAccents = try reader.flag("strip_accents")
    options.lowercase = try reader.requiredFlag("lowercase")
    self.options = options
  }

  var json: JSONValue {
    [
      "type": .string(Self.type), "clean_text": .bool(options.cleanText),
      "handle_chinese_chars": .bool(options.handleChineseCharacters),
      "strip_accents": options.stripAccents.map { .bool($0) } ?? .null, "lowercase": .bool(options.lowercase),
    ]
  }

  func normalize(_ text: inout ChainText) {
    let output = TextNormalizer(options).normalize(text.text.bytes.span, firstOrigin: 0)
    text.rewrite { source, target in
      // Its origins count the scalars of the old text.
      var origins: [Int32] = []
      source.forEachScalar { _, range in origins.append(source.origins[range.lowerBound]) }
      for (scalar, origin) in zip(output.scalars, output.origins) {
        target.append(scalar, origin: origins[Int(origin)])
      }
    }
  }
}
