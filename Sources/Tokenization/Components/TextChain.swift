import ModelFormats

/// Component of a tokenizer as `tokenizer.json` describes it: a normaliser or a pre-tokenizer.
protocol TextComponent: Sendable {
  /// The `type` in files.
  static var type: String { get }

  /// Reads the component's members.
  ///
  /// - Throws: `TokenizerError`, naming the field.
  init(_ reader: ComponentReader) throws(TokenizerError)

  /// The component as files describe it.
  var json: JSONValue { get }
}

/// Component without members: files describe it by its type alone.
protocol MemberlessComponent: TextComponent {
  init()
}

extension MemberlessComponent {
  init(_ reader: ComponentReader) throws(TokenizerError) { self.init() }

  var json: JSONValue { ["type": .string(Self.type)] }
}

/// Normaliser: a step that changes a text before it is split.
protocol Normalizer: TextComponent {
  /// Changes the text.
  func normalize(_ text: inout ChainText)
}

/// Pre-tokenizer: a step that splits a text into the pieces that the model cuts one by one.
protocol PreTokenizer: TextComponent {
  /// Splits the pieces that there are, and may rewrite them.
  func split(_ text: inout ChainText)
}

/// Normaliser and pre-tokenizer of a tokenizer, each of which may be a sequence of others.
struct TextChain: Sendable {
  var normalizer: (any Normalizer)?
  var preTokenizer: (any PreTokenizer)?

  /// The normalisers that Potstill has; a new one is a file and its line here.
  static let normalizers: [any Normalizer.Type] = [
    PrecompiledNormalizer.self, ReplaceNormalizer.self, StripNormalizer.self, PrependNormalizer.self,
    NFCNormalizer.self, NFDNormalizer.self, NFKCNormalizer.self, NFKDNormalizer.self,
    LowercaseNormalizer.self, StripAccentsNormalizer.self, NmtNormalizer.self, BertNormalizer.self,
    NormalizerSequence.self,
  ]
  /// The pre-tokenizers that Potstill has; a new one is a file and its line here.
  static let preTokenizers: [any PreTokenizer.Type] = [
    MetaspacePreTokenizer.self, WhitespaceSplitPreTokenizer.self, WhitespacePreTokenizer.self,
    SplitPreTokenizer.self, PunctuationPreTokenizer.self, DigitsPreTokenizer.self,
    ByteLevelPreTokenizer.self, BertPreTokenizer.self, PreTokenizerSequence.self,
  ]

  init(_ normalizer: (any Normalizer)?, _ preTokenizer: (any PreTokenizer)?) {
    self.normalizer = normalizer
    self.preTokenizer = preTokenizer
  }

  /// Reads the two components of a `tokenizer.json`.
  ///
  /// - Throws: `TokenizerError.unsupported` for a type that Potstill does not have, `.invalid` for a wrong member.
  init(_ document: JSONValue, file: String) throws(TokenizerError) {
    if let value = document["normalizer"], !value.isNull {
      normalizer = try ComponentReader(file: file, path: "normalizer", value: value).normalizer()
    }
    if let value = document["pre_tokenizer"], !value.isNull {
      preTokenizer = try ComponentReader(file: file, path: "pre_tokenizer", value: value).preTokenizer()
    }
  }

  /// Normalises a text.
  func normalize(_ text: inout ChainText) { normalizer?.normalize(&text) }

  /// Splits a normalised text into pieces.
  func split(_ text: inout ChainText) {
    text.beginSplitting()
    preTokenizer?.split(&text)
  }

  /// The normalised form of a text by itself.
  func normalized(_ content: [UInt8]) -> [UInt8] {
    guard let normalizer else { return content }
    var text = ChainText()
    text.load(content.span, firstOrigin: 0)
    normalizer.normalize(&text)
    return text.text.bytes
  }
}

/// Reader of the members of one component of a `tokenizer.json`.
struct ComponentReader {
  /// The file, for errors.
  let file: String
  /// The place of the component in the file.
  let path: String
  /// The component.
  let value: JSONValue

  /// How deep sequences may nest.
  static let depthLimit = 16

  private let depth: Int

  init(file: String, path: String, value: JSONValue, depth: Int = 0) {
    self.file = file
    self.path = path
    self.value = value
    self.depth = depth
  }

  /// Reads the normaliser that this is.
  func normalizer() throws(TokenizerError) -> any Normalizer {
    let type = try type()
    for known in TextChain.normalizers where known.type == type { return try known.init(self) }
    throw .unsupported(
      file: file, component: path, type: type,
      supported: TextChain.normalizers.map { $0.type }.joined(separator: ", "))
  }

  /// Reads the pre-tokenizer that this is.
  func preTokenizer() throws(TokenizerError) -> any PreTokenizer {
    let type = try type()
    for known in TextChain.preTokenizers where known.type == type { return try known.init(self) }
    throw .unsupported(
      file: file, component: path, type: type,
      supported: TextChain.preTokenizers.map { $0.type }.joined(separator: ", "))
  }

  private func type() throws(TokenizerError) -> String {
    if let type = value["type"]?.stringValue { return type }
    throw .invalid(
      file: file, field: path,
      reason:
        "found \(value.objectValue == nil ? value.kind : "no \"type\""), expected an object with a \"type\"")
  }

  /// Readers of the components of a sequence.
  func components(_ key: String) throws(TokenizerError) -> [ComponentReader] {
    guard let elements = value[key]?.arrayValue else { throw fault(key, expected: "an array of components") }
    guard depth < Self.depthLimit else {
      throw .invalid(
        file: file, field: path, reason: "expected sequences in at most \(Self.depthLimit) sequences")
    }
    return elements.enumerated().map { index, element in
      ComponentReader(file: file, path: "\(path).\(key)[\(index)]", value: element, depth: depth + 1)
    }
  }

  /// The string of a member that must be there.
  func string(_ key: String) throws(TokenizerError) -> String {
    if let text = value[key]?.stringValue { return text }
    throw fault(key, expected: "a string")
  }

  /// The truth value of a member; nil where it is missing or null.
  func flag(_ key: String) throws(TokenizerError) -> Bool? {
    guard let member = value[key], !member.isNull else { return nil }
    if let flag = member.boolValue { return flag }
    throw fault(key, expected: "true or false")
  }

  /// The truth value of a member that must be there.
  func requiredFlag(_ key: String) throws(TokenizerError) -> Bool {
    if let flag = try flag(key) { return flag }
    throw fault(key, expected: "true or false")
  }

  /// The error for a member that is wrong.
  func fault(_ key: String, expected: String) -> TokenizerError {
    fault(key, "found \(value[key]?.compactText.prefix(80) ?? "nothing"), expected \(expected)")
  }

  /// The error for a member, in other words.
  func fault(_ key: String, _ reason: String) -> TokenizerError {
    .invalid(file: file, field: "\(path).\(key)", reason: reason)
  }
}
