import ModelFormats

/// Pre-tokenizer that splits at punctuation, `Punctuation` of `tokenizers`.
struct PunctuationPreTokenizer: PreTokenizer {
  static let type = "Punctuation"

  let behavior: SplitBehavior

  init(_ reader: ComponentReader) throws(TokenizerError) {
    behavior = reader.value["behavior"] == nil ? .isolated : try SplitBehavior(reader)
  }

  /// A pre-tokenizer that splits at punctuation.
  init(_ behavior: SplitBehavior = .isolated) { self.behavior = behavior }

  var json: JSONValue { ["type": .string(Self.type), "behavior": .string(behavior.rawValue)] }

  func split(_ text: inout ChainText) {
    let tables = UnicodeTables.shared
    text.split(behavior) { tables.properties(of: $0).contains(.punctuation) }
  }
}
