import ModelFormats

extension TokenizerFileReader {
  /// Everything a BERT tokenizer is made of.
  struct WordPieceParts {
    var vocabulary: Vocabulary
    var options: BertTokenizerOptions
    var addedTokens: [AddedToken]
    var framing: TokenizerPipeline.Framing
  }

  /// Reads a BERT tokenizer.
  func wordPieceParts(_ configuration: TokenizerConfiguration) throws(TokenizerError) -> WordPieceParts {
    if configuration.pythonClass == .bert {
      let (vocabulary, options) = (try vocabulary(), try configuration.bertOptions())
      return WordPieceParts(
        vocabulary: vocabulary, options: options,
        addedTokens: try configuration.addedTokens(
          document: try addedTokens(), .bert, options.specialTokens, unknown: options.unknownToken,
          in: vocabulary),
        framing: .bert)
    }
    var options = BertTokenizerOptions(modelMaxLength: try configuration.modelMaxLength())
    options.specialTokens = configuration.specialTokenNames(SpecialTokenNames())
    try readNormalizer(into: &options)
    let preTokenizer = document["pre_tokenizer"] ?? .null
    let preTokenizerType = preTokenizer.isNull ? "null" : try type(of: preTokenizer, "pre_tokenizer")
    guard preTokenizerType == "BertPreTokenizer" else {
      throw .unsupported(
        file: file, component: "pre_tokenizer", type: preTokenizerType, supported: "BertPreTokenizer")
    }
    let vocabulary = try readModel(into: &options)
    return WordPieceParts(
      vocabulary: vocabulary, options: options,
      addedTokens: try configuration.addedTokens(
        document: try addedTokens(), .plain, options.specialTokens, unknown: options.unknownToken,
        in: vocabulary),
      framing: .template(try readTemplate()))
  }

  private func readTemplate() throws(TokenizerError) -> SequenceTemplate {
    let processor = document["post_processor"] ?? .null
    if processor.isNull { return .plain }
    let type = try type(of: processor, "post_processor")
    // RobertaProcessing would cut the sign of a space off offsets.
    if type != "RobertaProcessing", let template = try template(processor) { return template }
    throw .unsupported(
      file: file, component: "post_processor", type: type, supported: "TemplateProcessing, BertProcessing")
  }

  private func readNormalizer(into options: inout BertTokenizerOptions) throws(TokenizerError) {
    let normalizer = document["normalizer"] ?? .null
    if normalizer.isNull {
      options.cleanText = false
      options.handleChineseCharacters = false
      options.stripAccents = false
      options.lowercase = false
      return
    }
    let type = try type(of: normalizer, "normalizer")
    guard type == "BertNormalizer" else {
      throw .unsupported(file: file, component: "normalizer", type: type, supported: "BertNormalizer")
    }
    options.cleanText = try flag(normalizer, "normalizer", "clean_text") ?? true
    options.handleChineseCharacters = try flag(normalizer, "normalizer", "handle_chinese_chars") ?? true
    options.stripAccents = try flag(normalizer, "normalizer", "strip_accents")
    options.lowercase = try flag(normalizer, "normalizer", "lowercase") ?? true
  }

  private func readModel(into options: inout BertTokenizerOptions) throws(TokenizerError) -> Vocabulary {
    let model = document["model"] ?? .null
    let type = try modelType()
    guard type == "WordPiece" else {
      throw .unsupported(file: file, component: "model", type: type, supported: "WordPiece")
    }
    options.unknownToken = try string(model, "model", "unk_token")
    options.continuingPrefix = try string(model, "model", "continuing_subword_prefix")
    guard let limit = model["max_input_chars_per_word"]?.intValue, limit >= 0 else {
      throw .invalid(
        file: file, field: "model.max_input_chars_per_word",
        reason: "expected a number of characters, 100 for BERT")
    }
    options.maximumWordLength = limit
    return try vocabulary()
  }
}
