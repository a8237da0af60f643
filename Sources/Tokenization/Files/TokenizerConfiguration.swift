import Foundation
import ModelFormats

/// What the small JSON files beside a vocabulary say: `tokenizer_config.json` and, in old repositories,
/// `special_tokens_map.json` and `added_tokens.json`.
struct TokenizerConfiguration {
  private let directory: URL
  /// `tokenizer_config.json` as it was read.
  let members: JSONObject
  private let specialTokensMap: JSONObject
  private let legacyAddedTokens: JSONObject

  init(_ directory: URL) throws(TokenizerError) {
    self.directory = directory
    members = try Self.object(directory, "tokenizer_config.json")
    specialTokensMap = try Self.object(directory, "special_tokens_map.json")
    legacyAddedTokens = try Self.object(directory, "added_tokens.json")
  }

  /// The members of a JSON file, none when it does not exist.
  private static func object(_ directory: URL, _ name: String) throws(TokenizerError) -> JSONObject {
    let url = directory.appending(path: name)
    guard FileManager.default.fileExists(atPath: url.path) else { return JSONObject() }
    let value: JSONValue
    do { value = try JSONValue(contentsOf: url) } catch { throw .format(error) }
    guard let object = value.objectValue else {
      throw .invalid(file: url.path, field: "the document", reason: "found \(value.kind), expected an object")
    }
    return object
  }

  /// The longest sequence; nil for none, which `transformers` writes as 10^30.
  func modelMaxLength() throws(TokenizerError) -> Int? {
    guard let value = members["model_max_length"], !value.isNull else { return nil }
    guard let length = value.doubleValue, length >= 1 else {
      throw fault("model_max_length", value, "a number of tokens")
    }
    return length < 1e9 ? Int(length) : nil
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

  /// The tokens to find in raw text beside a vocabulary, as `transformers` collects them.
  ///
  /// - Parameter defaults: the model's special tokens, as they are found where the files do not say.
  func addedTokens(_ defaults: [AddedToken]) throws(TokenizerError) -> [AddedToken] {
    var tokens: [AddedToken] = []
    let file = directory.appending(path: "tokenizer_config.json").path
    var decoded: [(id: Int, value: JSONValue)] = []
    if let decoder = members["added_tokens_decoder"]?.objectValue {
      for (key, value) in decoder {
        guard let id = Int(key) else { throw fault("added_tokens_decoder", .string(key), "ids as keys") }
        decoded.append((id, value))
      }
      decoded.sort { $0.id < $1.id }
      for (id, value) in decoded {
        tokens.append(try AddedToken(value, file: file, field: "added_tokens_decoder[\"\(id)\"]"))
      }
    }
    var special = defaults
    for (key, value) in named where key.hasSuffix("_token") {
      guard let content = value["content"]?.stringValue,
        let index = special.firstIndex(where: { $0.content.utf8.elementsEqual(content.utf8) })
      else { continue }
      special[index] = try AddedToken(value, file: file, field: key)
      special[index].special = true
    }
    for value in named["additional_special_tokens"]?.arrayValue ?? [] {
      if let text = value.stringValue ?? value["content"]?.stringValue {
        special.append(AddedToken(text, special: true))
      }
    }
    let legacy = legacyAddedTokens.keys.enumerated()
      .sorted {
        legacyAddedTokens.values[$0.offset].intValue ?? 0 < legacyAddedTokens.values[$1.offset].intValue ?? 0
      }
      .map(\.element)
    for token in special + legacy.map({ AddedToken($0) }) {
      if tokens.contains(where: { $0.content.utf8.elementsEqual(token.content.utf8) }) { continue }
      tokens.append(token)
    }
    return tokens
  }

  // MARK: Fields

  /// Where special tokens are named: the old map counts only where the configuration does not describe them.
  private var named: JSONObject {
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
    guard let value = members[key], !value.isNull else { return nil }
    guard let flag = value.boolValue else { throw fault(key, value, "true or false") }
    return flag
  }

  private func fault(_ key: String, _ value: JSONValue, _ expected: String) -> TokenizerError {
    .invalid(
      file: directory.appending(path: "tokenizer_config.json").path, field: key,
      reason: "found \(value.stringValue ?? value.kind), expected \(expected)")
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
