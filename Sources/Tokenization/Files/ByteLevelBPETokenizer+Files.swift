import Foundation
import ModelFormats

extension ByteLevelBPETokenizer {
  /// Loads the tokenizer of a Hugging Face model folder.
  ///
  /// What `tokenizer.json` and `tokenizer_config.json` say differently counts as in `transformers` 5: its
  /// `RobertaTokenizer` takes vocabulary and merges of the one and the options of the other,
  /// `PreTrainedTokenizerFast` follows `tokenizer.json` alone. Without `tokenizer.json` `vocab.json` and `merges.txt` with
  /// `tokenizer_config.json` (and the older `special_tokens_map.json` and `added_tokens.json`) are read as RoBERTa's, or as
  /// GPT-2's where `tokenizer_config.json` says so. Truncation and padding sections are ignored.
  ///
  /// - Throws: `TokenizerError`, naming the file and the field, line or component.
  public convenience init(directory: URL) throws(TokenizerError) {
    let configuration = try TokenizerConfiguration(directory)
    if let reader = try TokenizerFileReader(directory: directory) {
      try self.init(consume reader, configuration)
      return
    }
    let list = try configuration.vocabularyFile("vocab.json")
    let value: JSONValue
    do { value = try JSONValue(contentsOfRegularFile: list) } catch { throw .format(error) }
    guard let members = value.objectValue else {
      throw .invalid(
        file: list.path, field: "the document", reason: "found \(value.kind), expected an object")
    }
    let vocabulary = try Vocabulary(members, file: list.path) { "\"\($0)\"" }
    let table = try MergesFile.table(contentsOf: directory.appending(path: "merges.txt"), vocabulary)
    var options = try configuration.byteLevelOptions()
    let isGPT2 = configuration.pythonClass == .gpt2
    // GPT-2's class puts nothing around a text.
    if isGPT2 { options.trimOffsets = false }
    try self.init(
      vocabulary: vocabulary, table: table, options: options,
      addedTokens: try configuration.addedTokens(
        isGPT2 ? .gpt2 : .roberta, options.specialTokens, unknown: options.unknownToken, in: vocabulary),
      framing: isGPT2 ? .template(.plain) : .roberta, configuration: configuration.members, file: list.path)
  }

  /// Reads a `tokenizer.json`, whose document is gone before the tables are made from its parts.
  convenience init(
    _ reader: consuming TokenizerFileReader, _ configuration: TokenizerConfiguration
  ) throws(TokenizerError) {
    let file = reader.file
    let parts = try reader.bytePairParts(configuration)
    _ = consume reader
    try self.init(
      vocabulary: parts.vocabulary, table: parts.table, options: parts.options,
      addedTokens: parts.addedTokens, framing: parts.framing,
      configuration: configuration.members, file: file)
  }
}

extension TokenizerFileReader {
  /// Parts of a byte-level BPE tokenizer.
  struct BytePairParts {
    var vocabulary: Vocabulary
    var table: MergeTable
    var options: ByteLevelBPEOptions
    var addedTokens: [AddedToken]
    var framing: TokenizerPipeline.Framing
  }

  /// Reads a byte-level BPE tokenizer; every component that would change its tokens and that Potstill does not have is
  /// refused by name.
  func bytePairParts(_ configuration: TokenizerConfiguration) throws(TokenizerError) -> BytePairParts {
    if configuration.pythonClass == .roberta { return try robertaParts(configuration) }
    var options = ByteLevelBPEOptions(modelMaxLength: try configuration.modelMaxLength())
    options.specialTokens = configuration.specialTokenNames(.roberta)
    let normalizer = document["normalizer"] ?? .null
    if !normalizer.isNull {
      throw .unsupported(
        file: file, component: "normalizer", type: try type(of: normalizer, "normalizer"),
        supported: "null, none at all, for byte-level BPE")
    }
    try readPreTokenizer(into: &options)
    if configuration.pythonClass == .gpt2 {
      options.addPrefixSpace = try configuration.byteLevelOptions().addPrefixSpace
      options.useRegex = true
    }
    try checkDecoder()
    let (vocabulary, table) = try readModel(
      unknown: configuration.unknownToken() ?? options.unknownToken, into: &options)
    let template = try readPostProcessor(into: &options)
    return BytePairParts(
      vocabulary: vocabulary, table: table, options: options,
      addedTokens: try configuration.addedTokens(
        document: try addedTokens(), configuration.pythonClass == .gpt2 ? .gpt2 : .plain,
        options.specialTokens, unknown: options.unknownToken, in: vocabulary),
      framing: .template(template))
  }

  /// The parts that `RobertaTokenizer` makes of the vocabulary and merges.
  private func robertaParts(_ configuration: TokenizerConfiguration) throws(TokenizerError) -> BytePairParts {
    var options = try configuration.byteLevelOptions()
    let unknown = options.unknownToken
    let (vocabulary, table) = try readModel(unknown: unknown, into: &options)
    options.unknownToken = unknown
    return BytePairParts(
      vocabulary: vocabulary, table: table, options: options,
      addedTokens: try configuration.addedTokens(
        document: try addedTokens(), .roberta, options.specialTokens, unknown: unknown, in: vocabulary),
      framing: .roberta)
  }

  // MARK: Components

  private func readPreTokenizer(into options: inout ByteLevelBPEOptions) throws(TokenizerError) {
    let preTokenizer = document["pre_tokenizer"] ?? .null
    var type = preTokenizer.isNull ? "null" : try type(of: preTokenizer, "pre_tokenizer")
    if type == "ByteLevel" {
      options.addPrefixSpace = try flag(preTokenizer, "pre_tokenizer", "add_prefix_space") ?? true
      options.useRegex = try flag(preTokenizer, "pre_tokenizer", "use_regex") ?? true
      return
    }
    // A Sequence of Split and ByteLevel is how other regular expressions than GPT-2's are written.
    if let parts = preTokenizer["pretokenizers"]?.arrayValue {
      type += " of " + parts.map { $0["type"]?.stringValue ?? $0.kind }.joined(separator: ", ")
    }
    throw .unsupported(
      file: file, component: "pre_tokenizer", type: type,
      supported: "ByteLevel alone, which splits as GPT-2 does")
  }

  private func checkDecoder() throws(TokenizerError) {
    let decoder = document["decoder"] ?? .null
    if decoder.isNull { return }
    let type = try type(of: decoder, "decoder")
    if type != "ByteLevel" {
      throw .unsupported(file: file, component: "decoder", type: type, supported: "ByteLevel")
    }
  }

  private func readModel(
    unknown: String?, into options: inout ByteLevelBPEOptions
  ) throws(TokenizerError) -> (Vocabulary, MergeTable) {
    let model = document["model"] ?? .null
    let type = try modelType()
    guard type == Model.bytePair.rawValue else {
      throw .unsupported(file: file, component: "model", type: type, supported: Model.bytePair.rawValue)
    }
    for key in ["continuing_subword_prefix", "end_of_word_suffix"] {
      if let value = model[key], !value.isNull, value.stringValue != "" {
        throw fault(key, "found \(value.compactText), expected null: byte-level tokens carry no marks")
      }
    }
    try checkDropout()
    for key in ["byte_fallback", "ignore_merges"] where try flag(model, "model", key) == true {
      throw fault(key, "found true, expected false; Potstill has byte-level BPE without it")
    }
    let vocabulary = try vocabulary()
    options.unknownToken = model["unk_token"]?.stringValue ?? unknown
    let merges = try merges()
    let table = try MergeTable(merges, vocabulary) { index, reason in
      fault(index.map { "merges[\($0)]" } ?? "vocab", reason)
    }
    return (vocabulary, table)
  }

  /// Makes sure that tokens do not depend on chance.
  func checkDropout() throws(TokenizerError) {
    guard let dropout = document["model"]?["dropout"], !dropout.isNull, dropout.doubleValue != 0 else {
      return
    }
    throw fault("dropout", "found \(dropout.compactText), expected null: tokens must not depend on chance")
  }

  /// The merges of a byte-pair vocabulary in order, in either of their spellings: "a b", or since `tokenizers` 0.20 [a, b].
  func merges() throws(TokenizerError) -> [(left: String, right: String)] {
    let value = document["model"]?["merges"] ?? .null
    guard let list = value.arrayValue else {
      throw fault("merges", "found \(value.kind), expected an array")
    }
    var merges: [(left: String, right: String)] = []
    merges.reserveCapacity(list.count)
    for (index, element) in list.enumerated() {
      let parts =
        element.arrayValue?.compactMap(\.stringValue)
        // By bytes: a mark behind the space would make one character with it.
        ?? element.stringValue?.utf8.split(separator: UInt8(ascii: " "), omittingEmptySubsequences: false)
        .compactMap { String($0) } ?? []
      guard parts.count == 2, element.arrayValue?.count ?? 2 == 2 else {
        throw fault("merges[\(index)]", "found \(element.compactText), expected two tokens")
      }
      merges.append((parts[0], parts[1]))
    }
    return merges
  }

  /// The template, and into the options what is cut off offsets.
  private func readPostProcessor(
    into options: inout ByteLevelBPEOptions
  ) throws(TokenizerError) -> SequenceTemplate {
    options.trimOffsets = false
    let processor = document["post_processor"] ?? .null
    if processor.isNull { return .plain }
    let isSequence = try type(of: processor, "post_processor") == "Sequence"
    let steps = isSequence ? processor["processors"]?.arrayValue ?? [] : [processor]
    var template: SequenceTemplate?
    for (index, step) in steps.enumerated() {
      let type = try type(of: step, "post_processor")
      let hasTrimmed = options.trimOffsets
      let trims = try readTrimming(step, type, into: &options)
      // Whatever follows special tokens would see them as text, and white space would be cut off twice.
      if template != nil || hasTrimmed && trims {
        throw .invalid(
          file: file, field: "post_processor.processors[\(index)]",
          reason:
            "found \(type); expected ByteLevel at most once, then one processor that puts special tokens"
            + " around and trims no offsets again")
      }
      if type == "ByteLevel" { continue }
      template = try self.template(step)
      if template == nil {
        throw .unsupported(
          file: file, component: "post_processor", type: type,
          supported: "RobertaProcessing, TemplateProcessing, BertProcessing, ByteLevel or a Sequence of them")
      }
    }
    return template ?? .plain
  }

  /// Reads what a post-processor cuts off offsets; says whether it does.
  private func readTrimming(
    _ processor: JSONValue, _ type: String, into options: inout ByteLevelBPEOptions
  ) throws(TokenizerError) -> Bool {
    guard type == "ByteLevel" || type == "RobertaProcessing",
      try flag(processor, "post_processor", "trim_offsets") ?? true
    else { return false }
    options.trimOffsets = true
    options.trimsAsIfPrefixed = try flag(processor, "post_processor", "add_prefix_space") ?? true
    if options.trimsAsIfPrefixed == options.addPrefixSpace { options.trimsAsIfPrefixed = nil }
    return true
  }

  private func fault(_ key: String, _ reason: String) -> TokenizerError {
    .invalid(file: file, field: "model.\(key)", reason: reason)
  }
}

extension ByteLevelBPETokenizer {
  /// Writes `tokenizer.json`, `tokenizer_config.json`, `vocab.json` and `merges.txt` so that Python reads the same
  /// tokenizer.
  ///
  /// Unknown members of the `tokenizer_config.json` this tokenizer was loaded with are written back.
  ///
  /// - Parameters:
  ///   - directory: an existing folder.
  ///   - legacyFiles: whether to write `special_tokens_map.json` too, which only old software reads.
  /// - Throws: `TokenizerError.format` when a file cannot be written.
  public func save(to directory: URL, legacyFiles: Bool) throws(TokenizerError) {
    do {
      try vocabulary.json.write(to: directory.appending(path: "vocab.json"))
      try AtomicFile.write(MergesFile.bytes(merges), to: directory.appending(path: "merges.txt"))
      try savedFiles.write(to: directory, legacyFiles: legacyFiles)
    } catch {
      throw .format(error)
    }
  }

  /// The content of `tokenizer.json`.
  private var document: JSONValue {
    [
      "version": "1.0", "truncation": nil, "padding": nil, "added_tokens": pipeline.added.json,
      "normalizer": nil,
      "pre_tokenizer": byteLevel(addPrefixSpace: options.addPrefixSpace, trimOffsets: options.trimOffsets),
      "post_processor": postProcessor,
      "decoder": byteLevel(addPrefixSpace: options.addPrefixSpace, trimOffsets: true),
      "model": [
        "type": "BPE", "dropout": nil,
        "unk_token": options.unknownToken.flatMap { id(of: $0) == nil ? nil : .string($0) } ?? .null,
        "continuing_subword_prefix": nil, "end_of_word_suffix": nil, "fuse_unk": false,
        "byte_fallback": false,
        "ignore_merges": false, "vocab": vocabulary.json,
        "merges": .array(merges.map { .string($0.left + " " + $0.right) }),
      ],
    ]
  }

  private func byteLevel(addPrefixSpace: Bool, trimOffsets: Bool) -> JSONValue {
    [
      "type": "ByteLevel", "add_prefix_space": .bool(addPrefixSpace), "trim_offsets": .bool(trimOffsets),
      "use_regex": .bool(options.useRegex),
    ]
  }

  private var trimsAsIfPrefixed: Bool { options.trimsAsIfPrefixed ?? options.addPrefixSpace }

  private var postProcessor: JSONValue {
    if let (classification, separator) = robertaTokens {
      return [
        "type": "RobertaProcessing", "sep": [.string(separator.text), .integer(Int(separator.id))],
        "cls": [.string(classification.text), .integer(Int(classification.id))],
        "trim_offsets": .bool(options.trimOffsets), "add_prefix_space": .bool(trimsAsIfPrefixed),
      ]
    }
    if !options.trimOffsets { return pipeline.template.json }
    let trimming = byteLevel(addPrefixSpace: trimsAsIfPrefixed, trimOffsets: true)
    if pipeline.template == .plain { return trimming }
    return ["type": "Sequence", "processors": [trimming, pipeline.template.json]]
  }

  /// The tokens that frame sequences if they do as RoBERTa's do.
  private var robertaTokens: (classification: SequenceTemplate.Token, separator: SequenceTemplate.Token)? {
    let template = pipeline.template
    guard case .special(let first, _) = template.single.first,
      case .special(let last, _) = template.single.last,
      let classification = template.specials[first]?.first, let separator = template.specials[last]?.first,
      template == .roberta(classification: classification, separator: separator)
    else { return nil }
    return (classification, separator)
  }

  private var specialTokensMap: JSONObject {
    var members = options.specialTokens.members
    if let unknown = options.unknownToken { members.insert(("unk_token", unknown), at: 0) }
    // The two names that RoBERTa's framing tokens have besides.
    members.append(("bos_token", options.specialTokens.classification))
    members.append(("eos_token", options.specialTokens.separator))
    return pipeline.specialTokensMap(members, onlyAdded: !isRoberta)
  }

  private var savedFiles: SavedTokenizerFiles {
    SavedTokenizerFiles(
      document: document,
      configuration: pipeline.savedConfiguration(
        [
          ("add_prefix_space", .bool(options.addPrefixSpace)), ("trim_offsets", .bool(options.trimOffsets)),
        ], specialTokensMap, pythonClass: isRoberta ? "RobertaTokenizer" : "PreTrainedTokenizerFast"),
      specialTokensMap: specialTokensMap)
  }

  /// Whether `transformers`' RoBERTa tokenizer, which puts itself together from options, becomes this one.
  private var isRoberta: Bool {
    guard let (classification, separator) = robertaTokens else { return false }
    let names = [("unk_token", options.unknownToken ?? "<unk>")] + options.specialTokens.members
    return options.useRegex && trimsAsIfPrefixed == options.addPrefixSpace && pipeline.finds(names)
      && classification.text == options.specialTokens.classification
      && separator.text == options.specialTokens.separator
  }
}
