import ModelFormats

extension TokenizerConfiguration {
  /// The tokens to find in raw text, as `transformers` collects them of `tokenizer.json` and the files beside it.
  ///
  /// - Parameters:
  ///   - document: The `added_tokens` of `tokenizer.json` with their ids; empty without one.
  ///   - kind: How the tokenizer is made.
  ///   - names: The names of the special tokens besides the unknown token.
  ///   - vocabulary: The tokens, among which the class looks for those that it knows by itself.
  func addedTokens(
    document: [(id: Int, token: AddedToken)] = [], _ kind: PythonTokenizerClass, _ names: SpecialTokenNames,
    unknown: String?, in vocabulary: Vocabulary
  ) throws(TokenizerError) -> [AddedToken] {
    var tokens = kind == .plain ? document.map(\.token) : []
    func index(of content: String) -> Int? {
      tokens.firstIndex { $0.content.utf8.elementsEqual(content.utf8) }
    }
    for (_, token) in try describedTokens(document).sorted(by: { $0.key < $1.key }) {
      if let index = index(of: token.content) { tokens[index] = token } else { tokens.append(token) }
    }
    // What is named is special, whether it is described as such or not.
    let ownTokens = classTokens(kind, names, unknown: unknown, in: vocabulary)
    for token in try namedTokens() + ownTokens {
      if let index = index(of: token.content) {
        tokens[index].special = true
      } else {
        tokens.append(token)
      }
    }
    return tokens
  }

  /// The special tokens that a class knows by itself, as far as the vocabulary has them and the files name none, or null, in
  /// their place.
  private func classTokens(
    _ kind: PythonTokenizerClass, _ names: SpecialTokenNames, unknown: String?, in vocabulary: Vocabulary
  ) -> [AddedToken] {
    let common = [("unk_token", unknown ?? "")] + names.members
    let known: [(key: String, name: String)] =
      switch kind {
      case .plain: []
      case .bert: common
      case .roberta: common + [("bos_token", "<s>"), ("eos_token", "</s>")]
      case .gpt2: ["unk_token", "bos_token", "eos_token"].map { ($0, "<|endoftext|>") }
      }
    return known.filter { named[$0.key] == nil && vocabulary.id(of: $0.name) != nil }
      .map { AddedToken($0.name, special: true) }
  }

  /// The tokens that the files describe, by id: those of `added_tokens_decoder` where there is one, else of
  /// `added_tokens.json` and `tokenizer.json`.
  private func describedTokens(
    _ document: [(id: Int, token: AddedToken)]
  ) throws(TokenizerError) -> [Int: AddedToken] {
    var tokens: [Int: AddedToken] = [:]
    if let decoder = members["added_tokens_decoder"]?.objectValue {
      for (key, value) in decoder {
        guard let id = Int(key), id >= 0 else {
          throw fault("added_tokens_decoder", .string(key), "ids as keys")
        }
        tokens[id] = try AddedToken(value, file: file, field: "added_tokens_decoder[\"\(id)\"]")
      }
      return tokens
    }
    let special = try namedTokens().map(\.content)
    for (content, value) in legacyAddedTokens {
      guard let id = value.intValue, id >= 0 else {
        throw .invalid(
          file: path(of: "added_tokens.json"), field: content,
          reason: "found \(value.compactText), expected the token's id")
      }
      tokens[id] = AddedToken(content, special: special.contains { $0.utf8.elementsEqual(content.utf8) })
    }
    for (id, token) in document { tokens[id] = token }
    return tokens
  }

  /// The special tokens that the files name (`cls_token`, …, `additional_special_tokens`), in the order of `transformers`.
  private func namedTokens() throws(TokenizerError) -> [AddedToken] {
    let first = ["bos_token", "eos_token", "unk_token", "sep_token", "pad_token", "cls_token", "mask_token"]
    let others = named.keys.filter { $0.hasSuffix("_token") && !first.contains($0) }
    var tokens: [AddedToken] = []
    for key in first + others {
      guard let value = named[key], !value.isNull else { continue }
      if let content = value.stringValue {
        tokens.append(AddedToken(content, special: true))
      } else if value["content"] != nil {
        tokens.append(try AddedToken(value, file: file, field: key))
        tokens[tokens.count - 1].special = true
      }
    }
    for key in ["additional_special_tokens", "extra_special_tokens"] {
      // Also an object of names and tokens.
      for value in named[key]?.arrayValue ?? named[key]?.objectValue?.values ?? [] {
        if let text = value.stringValue ?? value["content"]?.stringValue {
          tokens.append(AddedToken(text, special: true))
        }
      }
    }
    return tokens.filter { !$0.content.isEmpty }
  }
}

extension AddedToken {
  /// Reads one entry of `added_tokens` (or of `added_tokens_decoder`, whose entries are the same but for the id).
  init(_ value: JSONValue, file: String, field: String) throws(TokenizerError) {
    guard let content = value["content"]?.stringValue else {
      throw .invalid(file: file, field: field, reason: "expected an object with a string \"content\"")
    }
    func flag(_ key: String) -> Bool? { value[key]?.boolValue }
    self.init(
      content, special: flag("special") ?? false, singleWord: flag("single_word") ?? false,
      stripsLeft: flag("lstrip") ?? false, stripsRight: flag("rstrip") ?? false,
      normalized: flag("normalized"))
  }
}
