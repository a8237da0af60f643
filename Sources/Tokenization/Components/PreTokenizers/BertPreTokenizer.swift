/// Pre-tokenizer of BERT, `BertPreTokenizer` of `tokenizers`: splits at white space, which is gone, and sets punctuation apart.
struct BertPreTokenizer: PreTokenizer, MemberlessComponent {
  static let type = "BertPreTokenizer"

  private let steps = PreTokenizerSequence([WhitespaceSplitPreTokenizer(), PunctuationPreTokenizer()])

  func split(_ text: inout ChainText) { steps.split(&text) }
}
