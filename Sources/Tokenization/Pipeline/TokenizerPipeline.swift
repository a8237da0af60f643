import ModelFormats

/// The steps that all tokenizers share: added tokens are found in the text, a cutter cuts what lies between them, special
/// tokens are put around.
public final class TokenizerPipeline: Sendable {
  /// How special tokens frame a sequence.
  enum Framing {
    /// [CLS] A [SEP] B [SEP], the texts in segments of their own.
    case bert
    /// <s> A </s></s> B </s>, all in one segment.
    case roberta
    /// As a file has it.
    case template(SequenceTemplate)
  }

  /// The ids of the tokens with a role, nil where the vocabulary has none.
  struct SpecialIDs {
    var unknown: Int32?
    var padding: Int32?
    var classification: Int32?
    var separator: Int32?
    var mask: Int32?
  }

  let vocabulary: Vocabulary
  let added: AddedTokens
  let cutter: any TextCutter
  let specials: SpecialIDs
  let template: SequenceTemplate
  let layouts: SequenceLayouts
  /// What is cut off offsets, nil for nothing.
  let trimming: OffsetTrimming?
  let modelMaxLength: Int?
  /// The members of `tokenizer_config.json` as they were read, for writing it back.
  let configuration: JSONObject

  /// - Parameters:
  ///   - addedTokens: tokens to find in the raw text; nil for the special tokens that the vocabulary has.
  ///   - file: the name that errors carry.
  /// - Throws: `TokenizerError.invalid` when the framing needs a token that does not exist.
  init(
    vocabulary: Vocabulary, cutter: any TextCutter, addedTokens: [AddedToken]?, names: SpecialTokenNames,
    unknown: String?, framing: Framing, trimming: OffsetTrimming? = nil, modelMaxLength: Int?,
    configuration: JSONObject, file: String
  ) throws(TokenizerError) {
    self.vocabulary = vocabulary
    self.cutter = cutter
    self.trimming = trimming
    self.modelMaxLength = modelMaxLength
    self.configuration = configuration
    let added = AddedTokens(
      addedTokens ?? names.defaultTokens(unknown: unknown, in: vocabulary), vocabulary: vocabulary,
      cutter: cutter, splitsSpecial: configuration["split_special_tokens"]?.boolValue ?? false)
    self.added = added
    func id(_ name: String) -> Int32? { added.id(of: name) ?? vocabulary.id(of: name) }
    let specials = SpecialIDs(
      unknown: unknown.flatMap(id), padding: id(names.padding), classification: id(names.classification),
      separator: id(names.separator), mask: id(names.mask))
    self.specials = specials
    func token(_ id: Int32?, _ name: String) throws(TokenizerError) -> SequenceTemplate.Token {
      if let id { return SequenceTemplate.Token(id: id, text: name) }
      throw .invalid(
        file: file, field: "special tokens",
        reason:
          "the vocabulary has no \"\(name)\", which frames every sequence; add it or name the token it uses")
    }
    switch framing {
    case .template(let template): self.template = template
    case .bert:
      template = SequenceTemplate(
        classification: try token(specials.classification, names.classification),
        separator: try token(specials.separator, names.separator))
    case .roberta:
      template = .roberta(
        classification: try token(specials.classification, names.classification),
        separator: try token(specials.separator, names.separator))
    }
    layouts = SequenceLayouts(template)
  }

  /// The same pipeline with another cutter, which leaves the added tokens as they are, and other offsets.
  init(
    _ other: TokenizerPipeline, cutter: any TextCutter, trimming: OffsetTrimming?, modelMaxLength: Int? = nil
  ) {
    vocabulary = other.vocabulary
    added = other.added
    self.cutter = cutter
    specials = other.specials
    template = other.template
    layouts = other.layouts
    self.trimming = trimming
    self.modelMaxLength = modelMaxLength ?? other.modelMaxLength
    configuration = other.configuration
  }

  /// One more than the largest id.
  var idLimit: Int {
    let framing = template.specials.values.joined().map { Int($0.id) + 1 }.max() ?? 0
    return max(vocabulary.idLimit, added.tokens.last.map { Int($0.id) + 1 } ?? 0, framing)
  }

  func id(of token: String) -> Int32? { added.id(of: token) ?? vocabulary.id(of: token) }

  func token(_ id: Int32) -> String? { added.content(of: id) ?? vocabulary.token(id) }
}
