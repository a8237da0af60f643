import ModelFormats

/// Reads the `TemplateProcessing` of a `tokenizer.json`.
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
        throw fault("special_tokens[\"\(name)\"]", "expected ids of 0 and above and token strings")
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
      guard let name = body?["id"]?.stringValue,
        let segment = (body?["type_id"]?.intValue).flatMap({ Int32(exactly: $0) }), segment >= 0
      else { throw fault(field, "expected {\"Sequence\" or \"SpecialToken\": {\"id\", \"type_id\"}}") }
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
