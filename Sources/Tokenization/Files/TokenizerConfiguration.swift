import Foundation
import ModelFormats

/// What the small JSON files beside a vocabulary say: `tokenizer_config.json` and, in old repositories,
/// `special_tokens_map.json` and `added_tokens.json`.
struct TokenizerConfiguration {
  private let directory: URL
  /// `tokenizer_config.json` as it was read.
  let members: JSONObject
  private let specialTokensMap: JSONObject
  let legacyAddedTokens: JSONObject
  /// How `transformers` makes the tokenizer of these files.
  let pythonClass: PythonTokenizerClass

  init(_ directory: URL) throws(TokenizerError) {
    self.directory = directory
    members = try Self.object(directory, "tokenizer_config.json")
    specialTokensMap = try Self.object(directory, "special_tokens_map.json")
    legacyAddedTokens = try Self.object(directory, "added_tokens.json")
    // A config.json that cannot be read is the model's fault to tell.
    let model = (try? Self.object(directory, "config.json")) ?? JSONObject()
    pythonClass = PythonTokenizerClass(configuration: members, model: model)
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

  /// Where special tokens are named: the old map counts only where the configuration does not describe them.
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

  /// What a field of `tokenizer_config.json` holds.
  private func read<Value>(
    _ reading: (inout FieldReader) -> Value?
  ) throws(TokenizerError) -> Value? {
    var fields = FieldReader(members, wording: Self.words)
    let value = reading(&fields)
    if let fault = fields.faults.first {
      throw .invalid(file: file, field: fault.field, reason: fault.message)
    }
    return value
  }

  /// The words for a value of the wrong kind.
  private static func words(_ key: String, _ value: JSONValue, _ expected: String) -> String {
    let found = value.stringValue.map { "the string \"\(printable($0, atMost: 200))\"" } ?? value.kind
    return "found \(found), expected \(expected)"
  }

  func fault(_ key: String, _ value: JSONValue, _ expected: String) -> TokenizerError {
    .invalid(file: file, field: key, reason: Self.words(key, value, expected))
  }

  /// The path of `tokenizer_config.json`.
  var file: String { path(of: "tokenizer_config.json") }

  func path(of name: String) -> String { directory.appending(path: name).path }
}

/// How `transformers` (version 5) makes a tokenizer of a folder, by the class that its files name.
enum PythonTokenizerClass: Equatable {
  /// `BertTokenizer`: takes vocabulary and added tokens of `tokenizer.json`, everything else of `tokenizer_config.json`.
  case bert
  /// `RobertaTokenizer`: takes vocabulary, merges and added tokens of `tokenizer.json`, everything else of
  /// `tokenizer_config.json`.
  case roberta
  /// `GPT2Tokenizer`: as `roberta`, but the post-processor of `tokenizer.json` counts.
  case gpt2
  /// `PreTrainedTokenizerFast`: takes `tokenizer.json` as it is.
  case plain

  /// The class for a folder.
  ///
  /// - Parameters:
  ///   - configuration: `tokenizer_config.json`.
  ///   - model: `config.json`; empty where there is none.
  init(configuration: JSONObject, model: JSONObject) {
    let named = configuration["tokenizer_class"]?.stringValue ?? model["tokenizer_class"]?.stringValue
    guard var name = named else {
      switch model["model_type"]?.stringValue {
      case "bert", "distilbert", "electra": self = .bert
      case "roberta": self = .roberta
      default: self = .plain
      }
      return
    }
    if name.hasSuffix("Fast") { name.removeLast(4) }
    if Self.likeBert.contains(name) {
      self = .bert
    } else if Self.likeRoberta.contains(name) {
      self = .roberta
    } else {
      self = name == "GPT2Tokenizer" ? .gpt2 : .plain
    }
  }

  /// The classes that are `BertTokenizer` or inherit from it unchanged.
  private static let likeBert: Set<String> = [
    "BertTokenizer", "ConvBertTokenizer", "DPRContextEncoderTokenizer", "DPRQuestionEncoderTokenizer",
    "DistilBertTokenizer", "ElectraTokenizer", "LayoutLMTokenizer", "LxmertTokenizer", "MobileBertTokenizer",
    "SqueezeBertTokenizer",
  ]
  /// The classes that are `RobertaTokenizer`.
  private static let likeRoberta: Set<String> = [
    "RobertaTokenizer", "BartTokenizer", "LEDTokenizer", "LongformerTokenizer", "MvpTokenizer",
  ]
}
