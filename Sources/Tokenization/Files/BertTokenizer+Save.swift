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
  public func save(to directory: URL, legacyFiles: Bool = false) throws(TokenizerError) {
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
      "added_tokens": .array(added.tokens.map { $0.token.json(id: $0.id) }),
      "normalizer": [
        "type": "BertNormalizer", "clean_text": .bool(options.cleanText),
        "handle_chinese_chars": .bool(options.handleChineseCharacters),
        "strip_accents": options.stripAccents.map { .bool($0) } ?? .null,
        "lowercase": .bool(options.lowercase),
      ],
      "pre_tokenizer": ["type": "BertPreTokenizer"],
      "post_processor": template.json,
      "decoder": ["type": "WordPiece", "prefix": .string(options.continuingPrefix), "cleanup": true],
      "model": [
        "type": "WordPiece", "unk_token": .string(options.unknownToken),
        "continuing_subword_prefix": .string(options.continuingPrefix),
        "max_input_chars_per_word": .integer(options.maximumWordLength), "vocab": .object(vocabularyObject),
      ],
    ]
  }

  private var vocabularyObject: JSONObject {
    var object = JSONObject()
    vocabulary.forEach { token, id in _ = object.insertNew(String(copying: token), .integer(Int(id))) }
    return object
  }

  private var specialTokensMap: JSONObject {
    let names = options.specialTokens
    var object = JSONObject()
    for (key, name) in [
      ("unk_token", options.unknownToken), ("sep_token", names.separator), ("pad_token", names.padding),
      ("cls_token", names.classification), ("mask_token", names.mask),
    ] where id(of: name) != nil { object[key] = .string(name) }
    return object
  }

  private var savedConfiguration: JSONObject {
    var object = configuration
    object["do_lower_case"] = .bool(options.lowercase)
    object["strip_accents"] = options.stripAccents.map { .bool($0) } ?? .null
    object["tokenize_chinese_chars"] = .bool(options.handleChineseCharacters)
    if let length = options.modelMaxLength { object["model_max_length"] = .integer(length) }
    for (key, value) in specialTokensMap { object[key] = value }
    object["tokenizer_class"] = "BertTokenizer"
    return object
  }
}

extension AddedToken {
  /// The token as an entry of `added_tokens`.
  fileprivate func json(id: Int32) -> JSONValue {
    [
      "id": .integer(Int(id)), "content": .string(content), "single_word": .bool(singleWord),
      "lstrip": .bool(stripsLeft), "rstrip": .bool(stripsRight), "normalized": .bool(normalized),
      "special": .bool(special),
    ]
  }
}

extension SequenceTemplate {
  /// The template as `TemplateProcessing`.
  fileprivate var json: JSONValue {
    var object = JSONObject()
    for (name, tokens) in specials.sorted(by: { $0.key < $1.key }) {
      object[name] = [
        "id": .string(name), "ids": .array(tokens.map { .integer(Int($0.id)) }),
        "tokens": .array(tokens.map { .string($0.text) }),
      ]
    }
    return [
      "type": "TemplateProcessing", "single": .array(single.map(\.json)), "pair": .array(pair.map(\.json)),
      "special_tokens": .object(object),
    ]
  }
}

extension SequenceTemplate.Piece {
  fileprivate var json: JSONValue {
    switch self {
    case .text(let index, let segment):
      ["Sequence": ["id": .string(index == 0 ? "A" : "B"), "type_id": .integer(Int(segment))]]
    case .special(let name, let segment):
      ["SpecialToken": ["id": .string(name), "type_id": .integer(Int(segment))]]
    }
  }
}
