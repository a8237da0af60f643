import ModelFormats

/// The tokenizer of GPT-2 and RoBERTa, byte-level BPE, equal to that of Hugging Face `tokenizers` in ids and offsets.
///
/// Text is split into words with the space before them, and the bytes of each word are merged pair by pair in the order
/// in which training learnt the merges (Sennrich and others 2016; Radford and others 2019). Words that end up as one token
/// are looked up instead; long ones take time n log n.
public final class ByteLevelBPETokenizer: Tokenizer {
  /// Vocabulary, added tokens, cutter and template.
  public let pipeline: TokenizerPipeline
  /// The options: how text is cut.
  public let options: ByteLevelBPEOptions
  /// The merges as pairs of tokens, in order.
  public var merges: [(left: String, right: String)] {
    let tokens = vocabulary.tokens
    return table.pairs.map { (tokens[Int($0.left)], tokens[Int($0.right)]) }
  }

  let table: MergeTable

  /// A tokenizer over a vocabulary and its merges, which frames sequences as RoBERTa does.
  ///
  /// - Parameters:
  ///   - vocabulary: tokens in the byte-level alphabet, one for every byte among them.
  ///   - merges: pairs of tokens in the order in which they merge.
  ///   - options: how text is cut.
  ///   - addedTokens: tokens to find in the raw text; nil for the special tokens that the vocabulary has, the mask with
  ///     the white space on its left.
  /// - Throws: `TokenizerError.invalid` when the vocabulary lacks a byte, a token of a merge, or one that frames a
  ///   sequence.
  public convenience init(
    vocabulary: Vocabulary, merges: [(left: String, right: String)],
    options: ByteLevelBPEOptions = ByteLevelBPEOptions(), addedTokens: [AddedToken]? = nil
  ) throws(TokenizerError) {
    let table = try MergeTable(merges, vocabulary) { index, reason in
      .invalid(file: "merges", field: index.map { "merge \($0 + 1)" } ?? "vocabulary", reason: reason)
    }
    try self.init(
      vocabulary: vocabulary, table: table, options: options, addedTokens: addedTokens, file: "vocabulary")
  }

  /// - Parameters:
  ///   - addedTokens: tokens to find in the raw text; nil for RoBERTa's.
  ///   - file: the name that errors carry.
  init(
    vocabulary: Vocabulary, table: MergeTable, options: ByteLevelBPEOptions,
    addedTokens: [AddedToken]? = nil, framing: TokenizerPipeline.Framing = .roberta,
    configuration: JSONObject = JSONObject(), file: String
  ) throws(TokenizerError) {
    self.options = options
    self.table = table
    pipeline = try TokenizerPipeline(
      vocabulary: vocabulary, cutter: BytePairCutter(vocabulary, table, options),
      addedTokens: addedTokens ?? Self.defaultTokens(options, vocabulary), names: options.specialTokens,
      unknown: options.unknownToken, framing: framing,
      trimming: options.trimOffsets
        ? OffsetTrimming(vocabulary, keepsFirstSpace: options.trimsAsIfPrefixed ?? options.addPrefixSpace)
        : nil,
      modelMaxLength: options.modelMaxLength, configuration: configuration, file: file)
  }

  /// The same tokenizer for a model that reads at most so many tokens.
  init(_ other: ByteLevelBPETokenizer, modelMaxLength: Int) {
    (options, table) = (other.options, other.table)
    pipeline = TokenizerPipeline(
      other.pipeline, cutter: other.pipeline.cutter, trimming: other.pipeline.trimming,
      modelMaxLength: modelMaxLength)
  }

  /// The same tokenizer with `addPrefixSpace`; the cutter is one that puts the space there.
  private init(_ other: ByteLevelBPETokenizer, prefixing cutter: BytePairCutter) {
    var options = other.options
    (options.addPrefixSpace, options.trimsAsIfPrefixed) = (true, nil)
    self.options = options
    table = other.table
    pipeline = TokenizerPipeline(
      other.pipeline, cutter: cutter,
      trimming: other.pipeline.trimming.map { OffsetTrimming($0, keepsFirstSpace: true) })
  }

  /// This tokenizer with a space before every text that does not begin with one; it shares all tables.
  var prefixingSpaces: ByteLevelBPETokenizer {
    guard let cutter = pipeline.cutter as? BytePairCutter else { return self }
    return ByteLevelBPETokenizer(self, prefixing: BytePairCutter(cutter, addsPrefixSpace: true))
  }

  /// The special tokens that the vocabulary has; the mask takes in the space before it, as RoBERTa learnt it.
  static func defaultTokens(_ options: ByteLevelBPEOptions, _ vocabulary: Vocabulary) -> [AddedToken] {
    let names = options.specialTokens
    return names.defaultTokens(unknown: options.unknownToken, in: vocabulary).map { token in
      var token = token
      token.stripsLeft = token.content.utf8.elementsEqual(names.mask.utf8)
      return token
    }
  }
}
