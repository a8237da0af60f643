import Foundation
import ModelFormats

extension AddedToken {
  /// The token as an entry of `added_tokens_decoder`.
  var json: JSONObject {
    var object = JSONObject()
    object["content"] = .string(content)
    for (key, flag) in [
      ("single_word", singleWord), ("lstrip", stripsLeft), ("rstrip", stripsRight),
      ("normalized", normalized),
      ("special", special),
    ] { object[key] = .bool(flag) }
    return object
  }
}

extension AddedTokens {
  /// The `added_tokens` of `tokenizer.json`.
  var json: JSONValue {
    .array(
      tokens.map { id, token in
        var object = JSONObject()
        object["id"] = .integer(Int(id))
        for (key, value) in token.json { object[key] = value }
        return .object(object)
      })
  }
}

extension SpecialTokenNames {
  /// The names under their keys in `tokenizer_config.json`.
  var members: [(key: String, name: String)] {
    [
      ("sep_token", separator), ("pad_token", padding), ("cls_token", classification), ("mask_token", mask),
    ]
  }
}

extension TokenizerPipeline {
  /// The special tokens that exist, for `special_tokens_map.json` and `tokenizer_config.json`: the name alone, or an object
  /// when the token is found in another way than special tokens are by default.
  ///
  /// - Parameter onlyAdded: Whether a name counts only where the token is found in texts: the class that takes
  ///   `tokenizer.json` as it is makes every token that is named one of those.
  func specialTokensMap(_ members: [(key: String, name: String)], onlyAdded: Bool) -> JSONObject {
    var object = JSONObject()
    for (key, name) in members {
      // A name that was given as null stays none, unless the token is found anyway.
      let isAdded = onlyAdded || configuration[key]?.isNull == true
      if (isAdded ? added.id(of: name) : id(of: name)) == nil { continue }
      let token = added.tokens.first { $0.token.content.utf8.elementsEqual(name.utf8) }?.token
      if let token, token.special, token != AddedToken(name, special: true) {
        var value = token.json
        value["__type"] = "AddedToken"
        object[key] = .object(value)
      } else {
        object[key] = .string(name)
      }
    }
    return object
  }

  /// Whether texts are searched for all these tokens, as a class that knows them by name does; null in the configuration is a
  /// name of none.
  func finds(_ members: [(key: String, name: String)]) -> Bool {
    members.allSatisfy { added.id(of: $0.name) != nil || configuration[$0.key]?.isNull == true }
  }
}

/// Files of a saved tokenizer that every kind has beside its vocabulary.
struct SavedTokenizerFiles {
  /// The content of `tokenizer.json`.
  let document: JSONValue
  /// The content of `tokenizer_config.json`.
  let configuration: JSONObject
  /// The content of `special_tokens_map.json`, which only old software reads.
  let specialTokensMap: JSONObject

  /// Writes the files.
  ///
  /// - Throws: `FormatError.cannotWrite`.
  func write(to directory: URL, legacyFiles: Bool) throws(FormatError) {
    try document.write(to: directory.appending(path: "tokenizer.json"))
    try JSONValue.object(configuration).write(to: directory.appending(path: "tokenizer_config.json"))
    if legacyFiles {
      try JSONValue.object(specialTokensMap).write(to: directory.appending(path: "special_tokens_map.json"))
    }
  }
}

extension TokenizerPipeline {
  /// The members of `tokenizer_config.json` as they were read, brought up to date.
  ///
  /// - Parameters:
  ///   - options: The members of the tokenizer's own kind.
  ///   - specialTokensMap: The special tokens.
  ///   - pythonClass: The class of `transformers` that becomes the same tokenizer.
  func savedConfiguration(
    _ options: [(key: String, value: JSONValue)], _ specialTokensMap: JSONObject, pythonClass: String
  ) -> JSONObject {
    var object = configuration
    for (key, value) in options { object[key] = value }
    if let modelMaxLength { object["model_max_length"] = .integer(modelMaxLength) }
    for (key, value) in specialTokensMap { object[key] = value }
    // Where there is one, `transformers` reads it instead of `tokenizer.json`.
    if configuration["added_tokens_decoder"] != nil {
      var decoder = JSONObject()
      for (id, token) in added.tokens { decoder[String(id)] = .object(token.json) }
      object["added_tokens_decoder"] = .object(decoder)
    }
    object["tokenizer_class"] = .string(pythonClass)
    return object
  }
}

extension SequenceTemplate {
  /// The template as `TemplateProcessing`.
  var json: JSONValue {
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
