import Foundation
import ModelFormats

extension BertTokenizer {
  /// Loads the tokenizer of a Hugging Face model folder.
  ///
  /// What `tokenizer.json` and `tokenizer_config.json` say differently counts as in `transformers` 5: its `BertTokenizer`
  /// takes the vocabulary of the one and the options of the other, `PreTrainedTokenizerFast` follows `tokenizer.json`
  /// alone. Without `tokenizer.json` `vocab.txt` with `tokenizer_config.json` (and the older
  /// `special_tokens_map.json` and `added_tokens.json`) is read. Truncation and padding sections are ignored.
  ///
  /// - Throws: `TokenizerError`, naming the file and the field or component.
  public convenience init(directory: URL) throws(TokenizerError) {
    let configuration = try TokenizerConfiguration(directory)
    if let reader = try TokenizerFileReader(directory: directory) {
      try self.init(consume reader, configuration)
      return
    }
    let list = try configuration.vocabularyFile("vocab.txt")
    let vocabulary = try Vocabulary(contentsOf: list)
    let options = try configuration.bertOptions()
    try self.init(
      vocabulary: vocabulary, options: options,
      addedTokens: try configuration.addedTokens(
        .bert, options.specialTokens, unknown: options.unknownToken, in: vocabulary),
      configuration: configuration.members, file: list.path)
  }

  /// Reads a `tokenizer.json`, whose document is gone before the tables are made from its parts.
  convenience init(
    _ reader: consuming TokenizerFileReader, _ configuration: TokenizerConfiguration
  ) throws(TokenizerError) {
    let file = reader.file
    let parts = try reader.wordPieceParts(configuration)
    _ = consume reader
    try self.init(
      vocabulary: parts.vocabulary, options: parts.options, addedTokens: parts.addedTokens,
      framing: parts.framing, configuration: configuration.members, file: file)
  }
}

extension TokenizerFileReader {
  /// Parts of a BERT tokenizer.
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
      framing: .template(try sentenceTemplate()))
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
    options.unknownToken = try required(
      model, "model", "unk_token", expected: "a string", \.stringValue)
    options.continuingPrefix = try required(
      model, "model", "continuing_subword_prefix", expected: "a string", \.stringValue)
    options.maximumWordLength = try required(
      model, "model", "max_input_chars_per_word", expected: "a number of characters, 100 for BERT"
    ) { $0.intValue.flatMap { $0 >= 0 ? $0 : nil } }
    return try vocabulary()
  }
}

extension BertTokenizer {
  /// Writes `tokenizer.json`, `tokenizer_config.json` and `vocab.txt` so that Python reads the same tokenizer.
  ///
  /// Unknown members of the `tokenizer_config.json` this tokenizer was loaded with are written back.
  ///
  /// - Parameters:
  ///   - directory: an existing folder.
  ///   - legacyFiles: whether to write `special_tokens_map.json` too, which only old software reads.
  /// - Throws: `TokenizerError.format` when a file cannot be written.
  public func save(to directory: URL, legacyFiles: Bool) throws(TokenizerError) {
    do {
      try AtomicFile.write(vocabulary.fileBytes(), to: directory.appending(path: "vocab.txt"))
      try savedFiles.write(to: directory, legacyFiles: legacyFiles)
    } catch {
      throw .format(error)
    }
  }

  /// The content of `tokenizer.json`.
  private var document: JSONValue {
    [
      "version": "1.0", "truncation": nil, "padding": nil,
      "added_tokens": pipeline.added.json,
      "normalizer": [
        "type": "BertNormalizer", "clean_text": .bool(options.cleanText),
        "handle_chinese_chars": .bool(options.handleChineseCharacters),
        "strip_accents": options.stripAccents.map { .bool($0) } ?? .null,
        "lowercase": .bool(options.lowercase),
      ],
      "pre_tokenizer": ["type": "BertPreTokenizer"],
      "post_processor": pipeline.template.json,
      "decoder": ["type": "WordPiece", "prefix": .string(options.continuingPrefix), "cleanup": true],
      "model": [
        "type": "WordPiece", "unk_token": .string(options.unknownToken),
        "continuing_subword_prefix": .string(options.continuingPrefix),
        "max_input_chars_per_word": .integer(options.maximumWordLength), "vocab": vocabulary.json,
      ],
    ]
  }

  private var specialTokensMap: JSONObject {
    pipeline.specialTokensMap(specialTokens, onlyAdded: !isPlainBert)
  }

  private var specialTokens: [(key: String, name: String)] {
    [("unk_token", options.unknownToken)] + options.specialTokens.members
  }

  /// [CLS] A [SEP] B [SEP] with this tokenizer's own names, nil where it lacks one.
  private var bertTemplate: SequenceTemplate? {
    let names = options.specialTokens
    guard let first = pipeline.id(of: names.classification), let last = pipeline.id(of: names.separator)
    else {
      return nil
    }
    return SequenceTemplate(
      classification: .init(id: first, text: names.classification),
      separator: .init(id: last, text: names.separator))
  }

  private var savedFiles: SavedTokenizerFiles {
    SavedTokenizerFiles(
      document: document,
      configuration: pipeline.savedConfiguration(
        [
          ("do_lower_case", .bool(options.lowercase)),
          ("strip_accents", options.stripAccents.map { .bool($0) } ?? .null),
          ("tokenize_chinese_chars", .bool(options.handleChineseCharacters)),
        ], specialTokensMap, pythonClass: isPlainBert ? "BertTokenizer" : "PreTrainedTokenizerFast"),
      specialTokensMap: specialTokensMap)
  }

  /// Whether Python's class for BERT can be told these options; it makes the tokenizer anew from the vocabulary and frames
  /// sequences with its own template, where the plain class takes `tokenizer.json` as it is.
  private var isPlainBert: Bool {
    let bert = BertTokenizerOptions()
    return options.cleanText && options.continuingPrefix == bert.continuingPrefix
      && options.maximumWordLength == bert.maximumWordLength && pipeline.template == bertTemplate
      && pipeline.finds(specialTokens)
  }
}
