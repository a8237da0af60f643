import Foundation
import ModelFormats

/// Contents of the small JSON files beside a vocabulary: `tokenizer_config.json` and, in old repositories,
/// `special_tokens_map.json` and `added_tokens.json`.
struct TokenizerConfiguration {
  private let directory: URL
  /// `tokenizer_config.json` as it was read.
  private(set) var members: JSONObject
  private let specialTokensMap: JSONObject
  let legacyAddedTokens: JSONObject
  /// The class by which `transformers` makes the tokenizer of these files.
  private(set) var pythonClass: PythonTokenizerClass
  /// The name of the class that the files give, without `Fast` at its end; empty for none.
  let className: String
  /// The `model_type` of `config.json`; empty for none.
  let modelType: String

  init(_ directory: URL) throws(TokenizerError) {
    self.directory = directory
    members = try Self.object(directory, "tokenizer_config.json")
    specialTokensMap = try Self.object(directory, "special_tokens_map.json")
    legacyAddedTokens = try Self.object(directory, "added_tokens.json")
    // A config.json that cannot be read is the model's fault to tell.
    let model = (try? Self.object(directory, "config.json")) ?? JSONObject()
    pythonClass = PythonTokenizerClass(configuration: members, model: model)
    className = PythonTokenizerClass.name(configuration: members, model: model) ?? ""
    modelType = model["model_type"]?.stringValue ?? ""
  }

  /// The configuration of a `tokenizer.json` that stands for itself, made of a SentencePiece file: with the special tokens
  /// that its class names.
  init(_ other: TokenizerConfiguration, naming specialTokens: [(key: String, token: AddedToken)]) {
    self = other
    pythonClass = .plain
    for (key, token) in specialTokens where named[key] == nil || named[key]?.isNull == true {
      members[key] = .string(token.content)
    }
  }

  /// The members of a JSON file, none when it does not exist.
  private static func object(_ directory: URL, _ name: String) throws(TokenizerError) -> JSONObject {
    let url = directory.appending(path: name)
    guard FileManager.default.fileExists(atPath: url.path) else { return JSONObject() }
    let value: JSONValue
    do { value = try JSONValue(contentsOfRegularFile: url) } catch { throw .format(error) }
    guard let object = value.objectValue else {
      throw .invalid(file: url.path, field: "the document", reason: "found \(value.kind), expected an object")
    }
    return object
  }

  /// The longest sequence; nil for none, which `transformers` writes as 10^30.
  func modelMaxLength() throws(TokenizerError) -> Int? {
    let length = try read { fields in
      fields.value("model_max_length", expected: "a number of tokens") { value in
        value.doubleValue.flatMap { $0 >= 1 ? $0 : nil }
      }
    }
    return length.flatMap { $0 < 1e9 ? Int($0) : nil }
  }

  /// The options that go with a `vocab.txt`.
  func bertOptions() throws(TokenizerError) -> BertTokenizerOptions {
    var options = BertTokenizerOptions(modelMaxLength: try modelMaxLength())
    options.lowercase = try flag("do_lower_case") ?? true
    options.stripAccents = try flag("strip_accents")
    options.handleChineseCharacters = try flag("tokenize_chinese_chars") ?? true
    options.unknownToken = Self.name("unk_token", named) ?? options.unknownToken
    options.specialTokens = specialTokenNames(SpecialTokenNames())
    return options
  }

  /// The options that go with a `vocab.json` and a `merges.txt`.
  func byteLevelOptions() throws(TokenizerError) -> ByteLevelBPEOptions {
    var options = ByteLevelBPEOptions(modelMaxLength: try modelMaxLength())
    options.addPrefixSpace = try flag("add_prefix_space") ?? false
    options.trimOffsets = try flag("trim_offsets") ?? true
    options.unknownToken = unknownToken() ?? options.unknownToken
    options.specialTokens = specialTokenNames(.roberta)
    return options
  }

  /// The options of a tokenizer that SentencePiece trained.
  func sentencePieceOptions() throws(TokenizerError) -> SentencePieceOptions {
    SentencePieceOptions(
      unknownToken: unknownToken() ?? "<unk>", specialTokens: specialTokenNames(.roberta),
      modelMaxLength: try modelMaxLength())
  }

  /// Whether words get a space before them where they have none, if the files say so.
  func addsPrefixSpace() throws(TokenizerError) -> Bool? { try flag("add_prefix_space") }

  /// The name of a special token, if the files give one.
  func tokenName(_ key: String) -> String? { Self.name(key, named) }

  /// The name of the token for what cannot be spelled, if the files give one.
  func unknownToken() -> String? { Self.name("unk_token", named) }

  /// The names of the special tokens besides the unknown token.
  ///
  /// - Parameter defaults: the names that count where the files give none.
  func specialTokenNames(_ defaults: SpecialTokenNames) -> SpecialTokenNames {
    var names = defaults
    names.padding = Self.name("pad_token", named) ?? names.padding
    names.classification = Self.name("cls_token", named) ?? names.classification
    names.separator = Self.name("sep_token", named) ?? names.separator
    names.mask = Self.name("mask_token", named) ?? names.mask
    return names
  }

  // MARK: Fields

  /// The members that name special tokens: the old map counts only where the configuration does not describe them.
  var named: JSONObject {
    var named = members
    if members["added_tokens_decoder"] == nil {
      for (key, value) in specialTokensMap { named[key] = value }
    }
    return named
  }

  private static func name(_ key: String, _ members: JSONObject) -> String? {
    members[key]?.stringValue ?? members[key]?["content"]?.stringValue
  }

  private func flag(_ key: String) throws(TokenizerError) -> Bool? {
    try read { $0.truth(key) }
  }

  /// The value of a field of `tokenizer_config.json`.
  private func read<Value>(
    _ reading: (inout FieldReader) -> Value?
  ) throws(TokenizerError) -> Value? {
    try members.value(in: file, wording: Self.message, reading)
  }

  /// The message for a value of the wrong kind.
  private static func message(_ key: String, _ value: JSONValue, _ expected: String) -> String {
    let found = value.stringValue.map { "the string \"\(printable($0, atMost: 200))\"" } ?? value.kind
    return "found \(found), expected \(expected)"
  }

  func fault(_ key: String, _ value: JSONValue, _ expected: String) -> TokenizerError {
    .invalid(file: file, field: key, reason: Self.message(key, value, expected))
  }

  /// The path of `tokenizer_config.json`.
  var file: String { path(of: "tokenizer_config.json") }

  func path(of name: String) -> String { directory.appending(path: name).path }

  /// The vocabulary beside the configuration.
  ///
  /// - Throws: `TokenizerError.noTokenizer` when there is none.
  func vocabularyFile(_ name: String) throws(TokenizerError) -> URL {
    let url = directory.appending(path: name)
    guard FileManager.default.fileExists(atPath: url.path) else {
      throw .noTokenizer(directory: directory.path)
    }
    return url
  }
}

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
      case .roberta, .xlmRoberta: common + [("bos_token", "<s>"), ("eos_token", "</s>")]
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
      } else if first.contains(key) {
        throw .invalid(
          file: file, field: key,
          reason: "found \(value.inWords), expected the token's text, or an object with it as content")
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
