import ModelFormats

/// Pre-tokenizer of BERT, `BertPreTokenizer` of `tokenizers`: splits at white space, which is gone, and sets punctuation apart.
struct BertPreTokenizer: PreTokenizer {
  static let type = "BertPreTokenizer"

  private let steps = PreTokenizerSequence([WhitespaceSplitPreTokenizer(), PunctuationPreTokenizer()])

  init(_ reader: ComponentReader) throws(TokenizerError) {}

  /// BERT's pre-tokenizer.
  init() {}

  var json: JSONValue { ["type": .string(Self.type)] }

  func split(_ text: inout ChainText) { steps.split(&text) }
}
