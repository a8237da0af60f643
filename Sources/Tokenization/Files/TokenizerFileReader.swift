import Foundation
import ModelFormats

/// Reads `tokenizer.json`.
struct TokenizerFileReader {
  let file: String
  let document: JSONValue

  init(_ url: URL) throws(TokenizerError) {
    file = url.path
    do { document = try JSONValue(contentsOfRegularFile: url) } catch { throw .format(error) }
    guard document.objectValue != nil else {
      throw .invalid(file: file, field: "the document", reason: "found \(document.kind), expected an object")
    }
  }

  /// The kind of model, nil for one that Potstill does not have.
  enum Model: String {
    case wordPiece = "WordPiece"
    case bytePair = "BPE"
  }

  func model() throws(TokenizerError) -> Model? { Model(rawValue: try modelType()) }

  /// The type of the model; old files have none, but only WordPiece has a limit on words and only BPE has merges.
  func modelType() throws(TokenizerError) -> String {
    let model = document["model"] ?? .null
    if model["type"] == nil {
      if model["max_input_chars_per_word"] != nil { return Model.wordPiece.rawValue }
      if model["merges"] != nil { return Model.bytePair.rawValue }
    }
    return try type(of: model, "model")
  }

  // MARK: Components

  /// The tokens of the model with their ids.
  func vocabulary() throws(TokenizerError) -> Vocabulary {
    guard let members = document["model"]?["vocab"]?.objectValue else {
      throw .invalid(file: file, field: "model.vocab", reason: "expected an object of tokens and ids")
    }
    return try Vocabulary(members, file: file) { "model.vocab[\"\($0)\"]" }
  }

  /// The added tokens with their ids.
  func addedTokens() throws(TokenizerError) -> [(id: Int, token: AddedToken)] {
    guard let list = document["added_tokens"], !list.isNull else { return [] }
    guard let elements = list.arrayValue else {
      throw .invalid(file: file, field: "added_tokens", reason: "found \(list.kind), expected an array")
    }
    var tokens: [(id: Int, token: AddedToken)] = []
    for (index, element) in elements.enumerated() {
      let token = try AddedToken(element, file: file, field: "added_tokens[\(index)]")
      tokens.append((element["id"]?.intValue ?? index, token))
    }
    return tokens
  }

  /// The template of a post-processor, nil for a type that is none.
  func template(_ processor: JSONValue) throws(TokenizerError) -> SequenceTemplate? {
    let type = try type(of: processor, "post_processor")
    switch type {
    case "BertProcessing":
      return SequenceTemplate(
        classification: try token(processor, "cls"), separator: try token(processor, "sep"))
    case "RobertaProcessing":
      return .roberta(
        classification: try token(processor, "cls"), separator: try token(processor, "sep"))
    case "TemplateProcessing":
      return try TemplateReader(file: file, processor: processor).template()
    default: return nil
    }
  }

  func token(_ processor: JSONValue, _ key: String) throws(TokenizerError) -> SequenceTemplate.Token {
    guard let text = processor[key]?[0]?.stringValue, let id = processor[key]?[1]?.intValue,
      let id = Int32(exactly: id), id >= 0
    else {
      throw .invalid(file: file, field: "post_processor.\(key)", reason: "expected [token, id]")
    }
    return SequenceTemplate.Token(id: id, text: text)
  }

  // MARK: Fields

  func type(of value: JSONValue, _ component: String) throws(TokenizerError) -> String {
    guard let type = value["type"]?.stringValue else {
      throw .invalid(file: file, field: component, reason: "expected an object with a \"type\"")
    }
    return type
  }

  func string(_ value: JSONValue, _ component: String, _ key: String) throws(TokenizerError) -> String {
    guard let text = value[key]?.stringValue else {
      throw .invalid(
        file: file, field: "\(component).\(key)",
        reason: "found \(value[key]?.kind ?? "nothing"), expected a string")
    }
    return text
  }

  func flag(_ value: JSONValue, _ component: String, _ key: String) throws(TokenizerError) -> Bool? {
    guard let member = value[key], !member.isNull else { return nil }
    guard let flag = member.boolValue else {
      throw .invalid(
        file: file, field: "\(component).\(key)", reason: "found \(member.kind), expected true or false")
    }
    return flag
  }
}
