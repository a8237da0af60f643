import Foundation
import ModelFormats

extension SentencePieceTokenizer {
  /// Loads the tokenizer of a Hugging Face model folder with a `tokenizer.json`.
  ///
  /// What `tokenizer.json` and `tokenizer_config.json` say differently counts as in `transformers` 5: its
  /// `XLMRobertaTokenizer` takes the pieces and the `Precompiled` normaliser of the one and puts the rest together itself,
  /// `PreTrainedTokenizerFast` follows `tokenizer.json` alone. Truncation and padding sections are ignored.
  ///
  /// - Throws: `TokenizerError`, naming the file and the field or component.
  public convenience init(directory: URL) throws(TokenizerError) {
    let configuration = try TokenizerConfiguration(directory)
    guard let reader = try TokenizerFileReader(directory: directory) else {
      throw .noTokenizer(directory: directory.path)
    }
    try self.init(consume reader, configuration)
  }

  /// Reads a `tokenizer.json`, whose document is gone before the tables are made from its parts.
  convenience init(
    _ reader: consuming TokenizerFileReader, _ configuration: TokenizerConfiguration
  ) throws(TokenizerError) {
    let file = reader.file
    let parts = try reader.sentencePieceParts(configuration)
    _ = consume reader
    try self.init(parts, configuration: configuration.members, file: file)
  }
}

/// Recipe of `transformers`' class for XLM-RoBERTa, which makes a tokenizer of pieces and rules.
enum XLMRobertaRecipe {
  /// The id of the unknown token, whatever files say.
  static let unknownID: Int32 = 3

  /// The normaliser and the pre-tokenizer.
  ///
  /// - Parameter addsPrefixSpace: `add_prefix_space` of `tokenizer_config.json`.
  static func chain(_ rules: (any Normalizer)?, addsPrefixSpace: Bool) -> TextChain {
    TextChain(
      rules,
      PreTokenizerSequence([
        WhitespaceSplitPreTokenizer(), MetaspacePreTokenizer(addsPrefixSpace ? .always : .never),
      ]))
  }

  /// The frame: <s> A </s> or <s> A </s></s> B </s> by the names of the beginning and the end.
  static func framing(_ configuration: TokenizerConfiguration) -> TokenizerPipeline.Framing {
    .bounds(
      begin: configuration.tokenName("bos_token") ?? "<s>",
      end: configuration.tokenName("eos_token") ?? "</s>")
  }
}

extension TokenizerFileReader {
  /// Reads a tokenizer that SentencePiece trained.
  func sentencePieceParts(_ configuration: TokenizerConfiguration) throws(TokenizerError)
    -> SentencePieceParts
  {
    if try model() == .bytePair { return try characterPairParts(configuration) }
    let isXLMRoberta = configuration.pythonClass == .xlmRoberta
    var options = try configuration.sentencePieceOptions()
    let pieces = try unigramPieces()
    let model = document["model"] ?? .null
    let unknownID =
      isXLMRoberta ? XLMRobertaRecipe.unknownID : try unknownID(model, count: pieces.scores.count)
    guard Int(unknownID) < pieces.scores.count else {
      throw .invalid(
        file: file, field: "model.vocab",
        reason:
          "found \(pieces.scores.count) pieces, expected the unknown token at \(unknownID), where XLM-RoBERTa has it"
      )
    }
    let fallsBack = try flag(model, "model", "byte_fallback") ?? false
    if !isXLMRoberta {
      options.unknownToken = configuration.unknownToken() ?? pieces.vocabulary.token(unknownID)
    }
    return SentencePieceParts(
      vocabulary: pieces.vocabulary,
      model: UnigramModel(
        pieces.vocabulary, scores: pieces.scores, unknownID: unknownID,
        fallsBackToBytes: fallsBack && !isXLMRoberta),
      chain: isXLMRoberta
        ? XLMRobertaRecipe.chain(
          try precompiledRules(), addsPrefixSpace: try configuration.addsPrefixSpace() ?? true)
        : try TextChain(document, file: file),
      options: options,
      addedTokens: try configuration.addedTokens(
        document: try addedTokens(), isXLMRoberta ? .xlmRoberta : .plain, options.specialTokens,
        unknown: options.unknownToken, in: pieces.vocabulary),
      framing: isXLMRoberta ? XLMRobertaRecipe.framing(configuration) : .template(try sentenceTemplate()),
      decoder: document["decoder"] ?? .null)
  }

  /// The pieces of a Unigram model with the score of each id.
  private func unigramPieces() throws(TokenizerError) -> (vocabulary: Vocabulary, scores: [Double]) {
    if let pieces {
      let size = pieces.strings.reduce(0) { $0 + $1.utf8.count }
      guard size <= PieceTrie.byteLimit else {
        throw .invalid(
          file: file, field: "model.vocab",
          reason: "found pieces of \(size) bytes together, expected at most \(PieceTrie.byteLimit)")
      }
      return (Vocabulary(pieces.strings), pieces.numbers)
    }
    guard let list = document["model"]?["vocab"]?.arrayValue else {
      throw .invalid(
        file: file, field: "model.vocab",
        reason:
          "found \(document["model"]?["vocab"]?.kind ?? "nothing"), expected an array of [piece, score]")
    }
    let wrong = list.enumerated().first { _, entry in
      entry.arrayValue?.count != 2 || entry[0]?.stringValue == nil || entry[1]?.doubleValue == nil
    }
    throw .invalid(
      file: file, field: wrong.map { "model.vocab[\($0.offset)]" } ?? "model.vocab",
      reason: wrong.map { "found \($0.element.compactText.prefix(80)), expected [piece, score]" }
        ?? "found no pieces, expected one at least")
  }

  private func unknownID(_ model: JSONValue, count: Int) throws(TokenizerError) -> Int32 {
    let value = model["unk_id"] ?? .null
    guard let id = value.intValue, id >= 0, id < count else {
      throw .invalid(
        file: file, field: "model.unk_id",
        reason: "found \(value.compactText.prefix(80)), expected one of the \(count) ids of the vocabulary")
    }
    return Int32(id)
  }

  /// The first `Precompiled` among the normalisers, the only one that the class for XLM-RoBERTa looks for.
  private func precompiledRules() throws(TokenizerError) -> (any Normalizer)? {
    let normalizer = document["normalizer"] ?? .null
    let steps = normalizer["normalizers"]?.arrayValue ?? [normalizer]
    guard let rules = steps.first(where: { $0["type"]?.stringValue == PrecompiledNormalizer.type }) else {
      return nil
    }
    return try PrecompiledNormalizer(ComponentReader(file: file, path: "normalizer", value: rules))
  }
}

extension SentencePieceTokenizer {
  /// Writes `tokenizer.json` and `tokenizer_config.json` so that Python reads the same tokenizer.
  ///
  /// Unknown members of the `tokenizer_config.json` this tokenizer was loaded with are written back.
  ///
  /// - Parameters:
  ///   - directory: an existing folder.
  ///   - legacyFiles: whether to write `special_tokens_map.json` too, which only old software reads.
  /// - Throws: `TokenizerError.format` when a file cannot be written.
  public func save(to directory: URL, legacyFiles: Bool) throws(TokenizerError) {
    do {
      try SavedTokenizerFiles(
        document: document,
        configuration: pipeline.savedConfiguration(
          [], specialTokensMap, pythonClass: isXLMRoberta ? "XLMRobertaTokenizer" : "PreTrainedTokenizerFast"),
        specialTokensMap: specialTokensMap
      ).write(to: directory, legacyFiles: legacyFiles)
    } catch {
      throw .format(error)
    }
  }

  /// The content of `tokenizer.json`.
  private var document: JSONValue {
    [
      "version": "1.0", "truncation": nil, "padding": nil, "added_tokens": pipeline.added.json,
      "normalizer": chain.normalizer?.json ?? .null, "pre_tokenizer": chain.preTokenizer?.json ?? .null,
      "post_processor": pipeline.template.json, "decoder": decoder, "model": model.json(vocabulary),
    ]
  }

  /// The names that files give the beginning and the end of sequences.
  private var bounds: (begin: String, end: String) {
    func name(_ key: String) -> String? {
      let value = pipeline.configuration[key]
      return value?.stringValue ?? value?["content"]?.stringValue
    }
    return (name("bos_token") ?? "<s>", name("eos_token") ?? "</s>")
  }

  private var specialTokens: [(key: String, name: String)] {
    var members = options.specialTokens.members
    if let unknown = options.unknownToken { members.insert(("unk_token", unknown), at: 0) }
    members += [("bos_token", bounds.begin), ("eos_token", bounds.end)]
    return members
  }

  private var specialTokensMap: JSONObject {
    pipeline.specialTokensMap(specialTokens, onlyAdded: !isXLMRoberta)
  }

  /// Whether `transformers`' class for XLM-RoBERTa, which puts itself together, becomes this tokenizer.
  private var isXLMRoberta: Bool {
    guard let model = model as? UnigramModel, model.unknownID == XLMRobertaRecipe.unknownID,
      !model.fallsBackToBytes, chain.normalizer == nil || chain.normalizer is PrecompiledNormalizer
    else { return false }
    let addsPrefixSpace = pipeline.configuration["add_prefix_space"]?.boolValue ?? true
    let recipe = XLMRobertaRecipe.chain(chain.normalizer, addsPrefixSpace: addsPrefixSpace)
    guard chain.preTokenizer?.json == recipe.preTokenizer?.json, let begin = pipeline.id(of: bounds.begin),
      let end = pipeline.id(of: bounds.end)
    else { return false }
    let template = SequenceTemplate.roberta(
      classification: .init(id: begin, text: bounds.begin), separator: .init(id: end, text: bounds.end))
    return pipeline.template == template && pipeline.finds(specialTokens)
  }
}
