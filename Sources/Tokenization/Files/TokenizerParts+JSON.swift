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

extension TokenizerPipeline {
  /// Brings `added_tokens_decoder`, which `transformers` reads instead of `tokenizer.json`, up to date where there is one.
  func replaceAddedTokensDecoder(in configuration: inout JSONObject) {
    guard configuration["added_tokens_decoder"] != nil else { return }
    var decoder = JSONObject()
    for (id, token) in added.tokens { decoder[String(id)] = .object(token.json) }
    configuration["added_tokens_decoder"] = .object(decoder)
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
