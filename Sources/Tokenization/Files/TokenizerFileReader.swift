import Foundation
import ModelFormats

/// Reads `tokenizer.json`.
struct TokenizerFileReader {
  let file: String
  let document: JSONValue

  init(_ url: URL) throws(TokenizerError) {
    file = url.path
    do { document = try JSONValue(contentsOf: url) } catch { throw .format(error) }
    guard document.objectValue != nil else {
      throw .invalid(file: file, field: "the document", reason: "found \(document.kind), expected an object")
    }
  }

  /// Everything a tokenizer is made of.
  struct Parts {
    var vocabulary: Vocabulary
    var options: BertTokenizerOptions
    var addedTokens: [AddedToken]
    var template: SequenceTemplate
    var configuration: JSONObject
    var file: String
  }

  func parts(_ configuration: TokenizerConfiguration) throws(TokenizerError) -> Parts {
    var options = BertTokenizerOptions(modelMaxLength: try configuration.modelMaxLength())
    options.specialTokens = configuration.specialTokenNames()
    try readNormalizer(into: &options)
    let preTokenizer = document["pre_tokenizer"] ?? .null
    let preTokenizerType = preTokenizer.isNull ? "null" : try type(of: preTokenizer, "pre_tokenizer")
    guard preTokenizerType == "BertPreTokenizer" else {
      throw .unsupported(
        file: file, component: "pre_tokenizer", type: preTokenizerType, supported: "BertPreTokenizer")
    }
    let vocabulary = try readModel(into: &options)
    return Parts(
      vocabulary: vocabulary, options: options, addedTokens: try readAddedTokens(),
      template: try readTemplate(),
      configuration: configuration.members, file: file)
  }

  // MARK: Components

  private func readNormalizer(into options: inout BertTokenizerOptions) throws(TokenizerError) {
    let normalizer = document["normalizer"] ?? .null
    if normalizer.isNull {
      options.cleanText = false
      options.handleChineseCharacters = false
      options.stripAccents = false
      options.lowercase = false
      return
    }
    let type = try type(of: normalizer, "normalizer")
    guard type == "BertNormalizer" else {
      throw .unsupported(file: file, component: "normalizer", type: type, supported: "BertNormalizer")
    }
    options.cleanText = try flag(normalizer, "normalizer", "clean_text") ?? true
    options.handleChineseCharacters = try flag(normalizer, "normalizer", "handle_chinese_chars") ?? true
    options.stripAccents = try flag(normalizer, "normalizer", "strip_accents")
    options.lowercase = try flag(normalizer, "normalizer", "lowercase") ?? true
  }

  private func readModel(into options: inout BertTokenizerOptions) throws(TokenizerError) -> Vocabulary {
    let model = document["model"] ?? .null
    // Old files have no type; only WordPiece has a limit on the length of words.
    let isUntyped = model["type"] == nil && model["max_input_chars_per_word"] != nil
    let type = isUntyped ? "WordPiece" : try type(of: model, "model")
    guard type == "WordPiece" else {
      throw .unsupported(file: file, component: "model", type: type, supported: "WordPiece")
    }
    options.unknownToken = try string(model, "model", "unk_token")
    options.continuingPrefix = try string(model, "model", "continuing_subword_prefix")
    guard let limit = model["max_input_chars_per_word"]?.intValue, limit >= 0 else {
      throw .invalid(
        file: file, field: "model.max_input_chars_per_word",
        reason: "expected a number of characters, 100 for BERT")
    }
    options.maximumWordLength = limit
    guard let vocabulary = model["vocab"]?.objectValue else {
      throw .invalid(file: file, field: "model.vocab", reason: "expected an object of tokens and ids")
    }
    let (keys, values) = (vocabulary.keys, vocabulary.values)
    // Ids are rows of an embedding table: far beyond the number of tokens they are a mistake.
    let largest = keys.count * 4 + 1_000_000
    var entries: [(token: String, id: Int32)] = []
    entries.reserveCapacity(keys.count)
    for (token, value) in zip(keys, values) {
      guard let id = value.intValue, id >= 0, id <= largest else {
        throw .invalid(
          file: file, field: "model.vocab[\"\(token)\"]",
          reason:
            "found \(value.intValue.map(String.init) ?? value.kind), expected an id from 0 to \(largest)")
      }
      entries.append((token, Int32(id)))
    }
    return Vocabulary(entries: entries)
  }

  private func readAddedTokens() throws(TokenizerError) -> [AddedToken] {
    guard let list = document["added_tokens"], !list.isNull else { return [] }
    guard let elements = list.arrayValue else {
      throw .invalid(file: file, field: "added_tokens", reason: "found \(list.kind), expected an array")
    }
    var tokens: [AddedToken] = []
    for (index, element) in elements.enumerated() {
      tokens.append(try AddedToken(element, file: file, field: "added_tokens[\(index)]"))
    }
    return tokens
  }

  private func readTemplate() throws(TokenizerError) -> SequenceTemplate {
    let processor = document["post_processor"] ?? .null
    if processor.isNull { return .plain }
    let type = try type(of: processor, "post_processor")
    switch type {
    case "BertProcessing":
      return SequenceTemplate(
        classification: try token(processor, "cls"), separator: try token(processor, "sep"))
    case "TemplateProcessing":
      return try TemplateReader(file: file, processor: processor).template()
    default:
      throw .unsupported(
        file: file, component: "post_processor", type: type, supported: "TemplateProcessing, BertProcessing")
    }
  }

  private func token(_ processor: JSONValue, _ key: String) throws(TokenizerError) -> SequenceTemplate.Token {
    guard let text = processor[key]?[0]?.stringValue, let id = processor[key]?[1]?.intValue,
      let id = Int32(exactly: id), id >= 0
    else {
      throw .invalid(file: file, field: "post_processor.\(key)", reason: "expected [token, id]")
    }
    return SequenceTemplate.Token(id: id, text: text)
  }

  // MARK: Fields

  private func type(of value: JSONValue, _ component: String) throws(TokenizerError) -> String {
    guard let type = value["type"]?.stringValue else {
      throw .invalid(file: file, field: component, reason: "expected an object with a \"type\"")
    }
    return type
  }

  private func string(_ value: JSONValue, _ component: String, _ key: String) throws(TokenizerError) -> String
  {
    guard let text = value[key]?.stringValue else {
      throw .invalid(
        file: file, field: "\(component).\(key)",
        reason: "found \(value[key]?.kind ?? "nothing"), expected a string")
    }
    return text
  }

  private func flag(_ value: JSONValue, _ component: String, _ key: String) throws(TokenizerError) -> Bool? {
    guard let member = value[key], !member.isNull else { return nil }
    guard let flag = member.boolValue else {
      throw .invalid(
        file: file, field: "\(component).\(key)", reason: "found \(member.kind), expected true or false")
    }
    return flag
  }
}
