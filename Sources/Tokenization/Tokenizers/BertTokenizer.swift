import ModelFormats

/// BERT's tokenizer, equal to that of Hugging Face `tokenizers` in ids and offsets.
///
/// Text is cleaned, split at white space, punctuation and Chinese characters, and each word is cut into the longest
/// pieces the vocabulary has, in one pass over the UTF-8 and in time linear in its length.
public final class BertTokenizer: Tokenizer {
  /// Vocabulary, added tokens, cutter and template.
  public let pipeline: TokenizerPipeline
  /// The options: how text is cleaned and cut.
  public let options: BertTokenizerOptions
  private let cutter: WordCutter

  /// A tokenizer over a vocabulary, with BERT's special tokens as far as the vocabulary has them.
  ///
  /// The vocabulary must have the unknown token and the two that frame a sequence.
  public convenience init(vocabulary: Vocabulary, options: BertTokenizerOptions = BertTokenizerOptions()) {
    do {
      try self.init(vocabulary: vocabulary, options: options, file: "vocabulary")
    } catch {
      preconditionFailure("The vocabulary does not suit the options: \(error).")
    }
  }

  /// A tokenizer over a vocabulary that finds the given tokens in the raw text.
  ///
  /// - Throws: `TokenizerError.invalid` when the vocabulary lacks a token that the options name.
  public convenience init(
    vocabulary: Vocabulary, options: BertTokenizerOptions, addedTokens: [AddedToken]
  ) throws(TokenizerError) {
    try self.init(vocabulary: vocabulary, options: options, addedTokens: addedTokens, file: "vocabulary")
  }

  /// - Parameters:
  ///   - addedTokens: tokens to find in the raw text; nil for the special tokens that the vocabulary has.
  ///   - file: the name that errors carry.
  init(
    vocabulary: Vocabulary, options: BertTokenizerOptions, addedTokens: [AddedToken]? = nil,
    framing: TokenizerPipeline.Framing = .bert, configuration: JSONObject = JSONObject(), file: String
  ) throws(TokenizerError) {
    guard let unknown = vocabulary.id(of: options.unknownToken) else {
      throw .invalid(
        file: file, field: "unk_token",
        reason:
          "the vocabulary has no \"\(options.unknownToken)\"; add it or name the token it uses for unknown words"
      )
    }
    self.options = options
    cutter = WordCutter(vocabulary, options, unknownID: unknown)
    pipeline = try TokenizerPipeline(
      vocabulary: vocabulary, cutter: cutter, addedTokens: addedTokens, names: options.specialTokens,
      unknown: options.unknownToken, framing: framing, modelMaxLength: options.modelMaxLength,
      configuration: configuration, file: file)
  }

  /// The same tokenizer for a model that reads at most so many tokens.
  init(_ other: BertTokenizer, modelMaxLength: Int) {
    (options, cutter) = (other.options, other.cutter)
    pipeline = TokenizerPipeline(
      other.pipeline, cutter: cutter, trimming: other.pipeline.trimming, modelMaxLength: modelMaxLength)
  }

  /// Tokenizes a text by the plain path, which the fused one must equal.
  package func encodePlainly(_ text: String) -> Encoding {
    var buffer = TokenBuffer()
    pipeline.added.cut(Array(text.utf8).span, with: cutter.plain, into: &buffer)
    return pipeline.assemble([buffer], [0..<buffer.count], addSpecialTokens: true)
  }

  /// The number of transitions and failures it takes to cut one word, for the guard of linear time.
  package func stepCount(word: String) -> Int {
    var buffer = TokenBuffer()
    var counter = CountingStepCounter()
    _ = cutter.trie.match(Array(word.utf8).span, into: &buffer, counter: &counter)
    return counter.count
  }
}
