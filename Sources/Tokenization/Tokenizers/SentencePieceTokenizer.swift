import ModelFormats

/// The tokenizer of XLM-RoBERTa and others that SentencePiece trained, equal to that of Hugging Face `tokenizers` in ids and
/// offsets: normalisers and pre-tokenizers in any order, and a model that cuts the pieces, Unigram.
public final class SentencePieceTokenizer: Tokenizer {
  /// Vocabulary, added tokens, cutter and template.
  public let pipeline: TokenizerPipeline
  /// The names of the special tokens and the length of sequences.
  public let options: SentencePieceOptions
  /// The normaliser and the pre-tokenizer.
  let chain: TextChain
  /// The model that cuts pieces.
  let model: any PieceModel
  /// The decoder of files, which only Python uses.
  let decoder: JSONValue

  /// - Parameters:
  ///   - parts: What the tokenizer is made of.
  ///   - configuration: `tokenizer_config.json` as it was read.
  ///   - file: The name that errors carry.
  init(
    _ parts: SentencePieceParts, configuration: JSONObject = JSONObject(), file: String
  ) throws(TokenizerError) {
    options = parts.options
    chain = parts.chain
    model = parts.model
    decoder = parts.decoder
    pipeline = try TokenizerPipeline(
      vocabulary: parts.vocabulary, cutter: parts.model.cutter(parts.chain), addedTokens: parts.addedTokens,
      names: parts.options.specialTokens, unknown: parts.options.unknownToken, framing: parts.framing,
      modelMaxLength: parts.options.modelMaxLength, configuration: configuration, file: file)
  }

  /// The same tokenizer for a model that reads at most so many tokens.
  init(_ other: SentencePieceTokenizer, modelMaxLength: Int) {
    var options = other.options
    options.modelMaxLength = modelMaxLength
    self.options = options
    (chain, model, decoder) = (other.chain, other.model, other.decoder)
    pipeline = TokenizerPipeline(
      other.pipeline, cutter: other.pipeline.cutter, trimming: other.pipeline.trimming,
      modelMaxLength: modelMaxLength)
  }
}

/// Description of a tokenizer that SentencePiece trained, from whichever files: `tokenizer.json`, or a `.model`.
struct SentencePieceParts {
  var vocabulary: Vocabulary
  /// The model over this vocabulary.
  var model: any PieceModel
  var chain: TextChain
  var options: SentencePieceOptions
  /// The tokens to find in texts.
  var addedTokens: [AddedToken]
  var framing: TokenizerPipeline.Framing
  /// The decoder as `tokenizer.json` has it.
  var decoder: JSONValue
}

/// Options of a tokenizer that SentencePiece trained, besides its components.
public struct SentencePieceOptions: Sendable, Equatable {
  /// The token for what the vocabulary cannot spell.
  public var unknownToken: String?
  /// Names of the other special tokens.
  public var specialTokens: SpecialTokenNames
  /// The longest sequence the model was made for, nil when the files name no limit.
  public var modelMaxLength: Int?

  /// Options of such a tokenizer; the defaults are XLM-RoBERTa's.
  public init(
    unknownToken: String? = "<unk>", specialTokens: SpecialTokenNames = .roberta, modelMaxLength: Int? = 512
  ) {
    self.unknownToken = unknownToken
    self.specialTokens = specialTokens
    self.modelMaxLength = modelMaxLength
  }
}

extension SentencePieceTokenizer: TokenizerKind {
  var wordSign: WordSign { .beginning([MetaspacePreTokenizer.underline], spellsBytes: false) }

  func limiting(to length: Int) -> SentencePieceTokenizer {
    SentencePieceTokenizer(self, modelMaxLength: length)
  }

  func cutting(_ kept: Set<Int32>) throws(TokenizerError) -> TokenizerMaker {
    let smaller = try model.keeping(kept, of: vocabulary)
    return { framing throws(TokenizerError) in
      try SentencePieceTokenizer(
        SentencePieceParts(
          vocabulary: smaller.vocabulary, model: smaller.model, chain: self.chain, options: self.options,
          addedTokens: self.addedTokens, framing: framing, decoder: self.decoder),
        configuration: self.pipeline.configuration, file: TokenizerPipeline.smallerVocabulary)
    }
  }
}
