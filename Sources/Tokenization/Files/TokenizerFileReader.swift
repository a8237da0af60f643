import Foundation
import ModelFormats

/// Reader of `tokenizer.json`.
struct TokenizerFileReader {
  let file: String
  /// The document; of a Unigram model without its pieces.
  let document: JSONValue
  /// The pieces of a Unigram model with their scores; nil where `model.vocab` is something else.
  let pieces: JSONColumns?

  /// Reads the `tokenizer.json` of a folder; nil when there is none.
  ///
  /// - Throws: `TokenizerError`, when it is no JSON object.
  init?(directory: URL) throws(TokenizerError) {
    let url = directory.appending(path: "tokenizer.json")
    guard FileManager.default.fileExists(atPath: url.path) else { return nil }
    file = url.path
    do {
      (document, pieces) = try JSONValue.reading(url, columnsAt: ["model", "vocab"])
    } catch {
      throw .format(error)
    }
    guard document.objectValue != nil else {
      throw .invalid(file: file, field: "the document", reason: "found \(document.kind), expected an object")
    }
  }

  /// A reader of a document that was made of another file, which errors carry.
  init(file: String, document: JSONValue, pieces: JSONColumns?) {
    (self.file, self.document, self.pieces) = (file, document, pieces)
  }

  /// The kind of model, nil for one that Potstill does not have.
  enum Model: String {
    case wordPiece = "WordPiece"
    case bytePair = "BPE"
    case unigram = "Unigram"
  }

  func model() throws(TokenizerError) -> Model? { Model(rawValue: try modelType()) }

  /// The type of the model; old files have none, but only WordPiece has a limit on words, only BPE has merges, and only
  /// Unigram has an unknown id.
  func modelType() throws(TokenizerError) -> String {
    let model = document["model"] ?? .null
    if model["type"] == nil {
      if model["max_input_chars_per_word"] != nil { return Model.wordPiece.rawValue }
      if model["merges"] != nil { return Model.bytePair.rawValue }
      if model["unk_id"] != nil { return Model.unigram.rawValue }
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
      let id = element["id"] ?? .integer(index)
      guard let number = id.intValue, Int32(exactly: number) != nil, number >= 0 else {
        throw .invalid(
          file: file, field: "added_tokens[\(index)].id",
          reason: "found \(id.intValue.map(String.init) ?? id.kind), expected an id from 0 to \(Int32.max)")
      }
      tokens.append((number, token))
    }
    return tokens
  }

  /// The frame of a file whose offsets nothing trims.
  func sentenceTemplate() throws(TokenizerError) -> SequenceTemplate {
    let processor = document["post_processor"] ?? .null
    if processor.isNull { return .plain }
    let type = try type(of: processor, "post_processor")
    // RobertaProcessing would cut spaces, or their sign, off offsets.
    if type != "RobertaProcessing", let template = try template(processor) { return template }
    throw .unsupported(
      file: file, component: "post_processor", type: type, supported: "TemplateProcessing, BertProcessing")
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

  /// The type of a component.
  func type(of value: JSONValue, _ component: String) throws(TokenizerError) -> String {
    guard let type = value["type"]?.stringValue else {
      throw .invalid(
        file: file, field: component,
        reason:
          "found \(value.objectValue == nil ? value.kind : "no \"type\""), expected an object with a \"type\""
      )
    }
    return type
  }

  /// The value of a field of a component; nil when it is missing or null.
  func value<Value>(
    _ component: JSONValue, _ path: String, _ reading: (inout FieldReader) -> Value?
  ) throws(TokenizerError) -> Value? {
    try (component.objectValue ?? JSONObject()).value(
      in: file, path: path, wording: { "found \($1.kind), expected \($2)" }, reading)
  }

  /// The value of a field that a component must have.
  func required<Value>(
    _ component: JSONValue, _ path: String, _ key: String, expected: String,
    _ reading: (JSONValue) -> Value?
  ) throws(TokenizerError) -> Value {
    if let value = try value(component, path, { $0.value(key, expected: expected, reading) }) { return value }
    let found = component[key]?.kind ?? "nothing"
    throw .invalid(file: file, field: "\(path).\(key)", reason: "found \(found), expected \(expected)")
  }

  /// The truth value of a field of a component; nil when it is missing or null.
  func flag(_ component: JSONValue, _ path: String, _ key: String) throws(TokenizerError) -> Bool? {
    try value(component, path) { $0.truth(key) }
  }
}

extension JSONObject {
  /// The value of a field of a tokenizer's file; nil when it is missing or null.
  ///
  /// - Parameters:
  ///   - file: The file, for the error.
  ///   - path: The path of this object in the file.
  ///   - wording: The words for a value of the wrong kind.
  ///   - reading: Reads the field.
  /// - Throws: `TokenizerError.invalid` with the first fault.
  func value<Value>(
    in file: String, path: String = "", wording: @escaping FieldReader.Wording,
    _ reading: (inout FieldReader) -> Value?
  ) throws(TokenizerError) -> Value? {
    var fields = FieldReader(self, path: path, wording: wording)
    let value = reading(&fields)
    if let fault = fields.faults.first {
      throw .invalid(file: file, field: fault.field, reason: fault.message)
    }
    return value
  }
}

/// Reader of the `TemplateProcessing` of a `tokenizer.json`.
struct TemplateReader {
  let file: String
  let processor: JSONValue

  func template() throws(TokenizerError) -> SequenceTemplate {
    var specials: [String: [SequenceTemplate.Token]] = [:]
    if let members = processor["special_tokens"]?.objectValue {
      for (name, value) in members { specials[name] = try tokens(name, value) }
    }
    let single = try pieces("single", texts: 1, specials)
    let pair = try pieces("pair", texts: 2, specials)
    return SequenceTemplate(single: single, pair: pair, specials: specials)
  }

  private func tokens(_ name: String, _ value: JSONValue) throws(TokenizerError) -> [SequenceTemplate.Token] {
    guard let ids = value["ids"]?.arrayValue, let texts = value["tokens"]?.arrayValue,
      ids.count == texts.count
    else { throw fault("special_tokens[\"\(name)\"]", "expected as many \"ids\" as \"tokens\"") }
    var tokens: [SequenceTemplate.Token] = []
    for (id, text) in zip(ids, texts) {
      guard let id = id.intValue.flatMap({ Int32(exactly: $0) }), id >= 0, let text = text.stringValue else {
        throw fault(
          "special_tokens[\"\(name)\"]",
          "found \(printable(id.compactText, atMost: 80)) for \(printable(text.compactText, atMost: 80)), expected ids of 0 and above and token "
            + "strings")
      }
      tokens.append(SequenceTemplate.Token(id: id, text: text))
    }
    return tokens
  }

  private func pieces(
    _ key: String, texts: Int, _ specials: [String: [SequenceTemplate.Token]]
  ) throws(TokenizerError) -> [SequenceTemplate.Piece] {
    guard let elements = processor[key]?.arrayValue else { throw fault(key, "expected an array of pieces") }
    var pieces: [SequenceTemplate.Piece] = []
    for (index, element) in elements.enumerated() {
      let field = "\(key)[\(index)]"
      let body = element["Sequence"] ?? element["SpecialToken"]
      guard let name = body?["id"]?.stringValue, let type = body?["type_id"] else {
        throw fault(
          field,
          "found \(printable(element.compactText, atMost: 80)), expected {\"Sequence\" or \"SpecialToken\": {\"id\", \"type_id\"}}"
        )
      }
      guard let segment = type.intValue.flatMap({ Int32(exactly: $0) }), segment >= 0 else {
        throw fault(
          "\(field).type_id",
          "found \(printable(type.compactText, atMost: 80)), expected a segment from 0 to \(Int32.max)")
      }
      if element["Sequence"] == nil {
        guard specials[name] != nil else {
          throw fault(field, "names the special token \"\(name)\", which special_tokens does not define")
        }
        pieces.append(.special(name, segment: segment))
      } else {
        guard let text = ["A", "B"].firstIndex(of: name), text < texts else {
          throw fault(field, "found sequence \"\(name)\", expected \(texts == 1 ? "A" : "A or B")")
        }
        pieces.append(.text(text, segment: segment))
      }
    }
    return pieces
  }

  private func fault(_ field: String, _ reason: String) -> TokenizerError {
    .invalid(file: file, field: "post_processor.\(field)", reason: reason)
  }
}
