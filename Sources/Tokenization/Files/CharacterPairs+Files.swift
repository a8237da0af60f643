import ModelFormats

extension TokenizerFileReader {
  /// Whether a BPE vocabulary is over bytes, written as characters: a `ByteLevel` is among its components.
  var spellsBytes: Bool {
    func has(_ component: JSONValue?) -> Bool {
      guard let component else { return false }
      if component["type"]?.stringValue == "ByteLevel" { return true }
      let parts = component["pretokenizers"] ?? component["normalizers"] ?? component["decoders"]
      return parts?.arrayValue?.contains { has($0) } ?? false
    }
    return has(document["pre_tokenizer"]) || has(document["normalizer"]) || has(document["decoder"])
  }

  /// Reads a byte-pair tokenizer over characters.
  func characterPairParts(_ configuration: TokenizerConfiguration) throws(TokenizerError)
    -> SentencePieceParts
  {
    let model = try characterPairs()
    var options = try configuration.sentencePieceOptions()
    options.unknownToken = configuration.unknownToken() ?? model.options.unknownToken
    return SentencePieceParts(
      vocabulary: model.vocabulary, model: model, chain: try TextChain(document, file: file),
      options: options,
      addedTokens: try configuration.addedTokens(
        document: try addedTokens(), .plain, options.specialTokens, unknown: options.unknownToken,
        in: model.vocabulary),
      framing: .template(try sentenceTemplate()), decoder: document["decoder"] ?? .null)
  }

  private func characterPairs() throws(TokenizerError) -> CharacterPairs {
    let model = document["model"] ?? .null
    try checkDropout()
    func text(_ key: String) throws(TokenizerError) -> String? {
      try value(model, "model") { $0.value(key, expected: "a string or null", \.stringValue) }
    }
    let options = CharacterPairOptions(
      unknownToken: try text("unk_token"), fusesUnknowns: try flag(model, "model", "fuse_unk") ?? false,
      fallsBackToBytes: try flag(model, "model", "byte_fallback") ?? false,
      ignoresMerges: try flag(model, "model", "ignore_merges") ?? false,
      continuingPrefix: try text("continuing_subword_prefix"), wordSuffix: try text("end_of_word_suffix"))
    return try CharacterPairs(try vocabulary(), try merges(), options) { index, reason in
      .invalid(file: file, field: index.map { "model.merges[\($0)]" } ?? "model", reason: reason)
    }
  }
}

extension CharacterPairs: PieceModel {
  func makeWorkspace() -> MergeWorkspace { MergeWorkspace() }

  func cut(_ piece: Span<UInt8>, _ workspace: inout MergeWorkspace, into output: inout TokenBuffer) {
    let key = piece.count <= WordKey.limit ? WordKey(piece, 0..<piece.count) : nil
    workspace.merge(piece, key, by: self)
    var start: Int32 = 0
    for token in workspace.scratch.pieces {
      output.appendPiece(token.token, start: start, end: token.end)
      start = token.end
    }
  }

  /// A text whose tokens all stay is cut as before: a merge that is gone was never made.
  func keeping(
    _ kept: Set<Int32>, of vocabulary: Vocabulary
  ) throws(TokenizerError) -> (vocabulary: Vocabulary, model: any PieceModel) {
    var kept = kept.union(fixedTokens)
    let pairs = table.closing(&kept)
    let (all, smaller) = (vocabulary.tokens, vocabulary.keeping(kept))
    let model = try CharacterPairs(
      smaller, pairs.map { (left: all[Int($0.left)], right: all[Int($0.right)]) }, options
    ) { index, reason in
      .invalid(
        file: TokenizerPipeline.smallerVocabulary, field: index.map { "merge \($0 + 1)" } ?? "model",
        reason: reason)
    }
    return (smaller, model)
  }

  func json(_ vocabulary: Vocabulary) -> JSONValue {
    func text(_ value: String?) -> JSONValue { value.map { .string($0) } ?? .null }
    let tokens = vocabulary.tokens
    return [
      "type": "BPE", "dropout": nil, "unk_token": text(options.unknownToken),
      "continuing_subword_prefix": text(options.continuingPrefix),
      "end_of_word_suffix": text(options.wordSuffix), "fuse_unk": .bool(options.fusesUnknowns),
      "byte_fallback": .bool(options.fallsBackToBytes), "ignore_merges": .bool(options.ignoresMerges),
      "vocab": vocabulary.json,
      // Tokens may hold spaces, so each merge is a pair.
      "merges": .array(
        table.pairs.map { .array([.string(tokens[Int($0.left)]), .string(tokens[Int($0.right)])]) }),
    ]
  }
}
