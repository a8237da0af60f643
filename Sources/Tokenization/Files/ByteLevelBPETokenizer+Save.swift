import Foundation
import ModelFormats

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
      try document.write(to: directory.appending(path: "tokenizer.json"))
      try JSONValue.object(savedConfiguration)
        .write(to: directory.appending(path: "tokenizer_config.json"))
      if legacyFiles {
        try JSONValue.object(specialTokensMap).write(to: directory.appending(path: "special_tokens_map.json"))
      }
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

  private var savedConfiguration: JSONObject {
    var object = pipeline.configuration
    object["add_prefix_space"] = .bool(options.addPrefixSpace)
    object["trim_offsets"] = .bool(options.trimOffsets)
    if let length = pipeline.modelMaxLength { object["model_max_length"] = .integer(length) }
    for (key, value) in specialTokensMap { object[key] = value }
    pipeline.replaceAddedTokensDecoder(in: &object)
    object["tokenizer_class"] = .string(isRoberta ? "RobertaTokenizer" : "PreTrainedTokenizerFast")
    return object
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
