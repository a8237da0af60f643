import Foundation
import ModelFormats

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

  private var savedConfiguration: JSONObject {
    var object = pipeline.configuration
    object["do_lower_case"] = .bool(options.lowercase)
    object["strip_accents"] = options.stripAccents.map { .bool($0) } ?? .null
    object["tokenize_chinese_chars"] = .bool(options.handleChineseCharacters)
    if let length = pipeline.modelMaxLength { object["model_max_length"] = .integer(length) }
    for (key, value) in specialTokensMap { object[key] = value }
    pipeline.replaceAddedTokensDecoder(in: &object)
    object["tokenizer_class"] = isPlainBert ? "BertTokenizer" : "PreTrainedTokenizerFast"
    return object
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
