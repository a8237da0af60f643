import ModelFormats

/// The steps that all tokenizers share: added tokens are found in the text, a cutter cuts what lies between them, special
/// tokens are put around.
public final class TokenizerPipeline: Sendable {
  /// Framing of a sequence by special tokens.
  enum Framing {
    /// [CLS] A [SEP] B [SEP], the texts in segments of their own.
    case bert
    /// <s> A </s></s> B </s>, all in one segment.
    case roberta
    /// As `roberta`, by tokens of other names than the framing ones have.
    case bounds(begin: String, end: String)
    /// The template of a file.
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
  /// The trimming of offsets; nil for none.
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
    case .bounds(let begin, let end):
      template = .roberta(
        classification: try token(id(begin), begin), separator: try token(id(end), end))
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

extension TokenizerPipeline {
  /// Cuts one text, without special tokens around it.
  func cut(_ text: String) -> TokenBuffer {
    var buffer = TokenBuffer(bytes: text.utf8.count)
    cut(text, into: &buffer)
    return buffer
  }

  /// Cuts one text and appends its tokens.
  private func cut(_ text: String, into buffer: inout TokenBuffer) {
    var text = text
    text.makeContiguousUTF8()
    added.cut(text.utf8.span, with: cutter, into: &buffer)
  }

  /// One text or two with special tokens around.
  func encode(_ text: String, pair: String?, addSpecialTokens: Bool) -> Encoding {
    guard let pair else { return encode(text, addSpecialTokens: addSpecialTokens) }
    let buffers = [cut(text), cut(pair)]
    return assemble(buffers, buffers.map { 0..<$0.count }, addSpecialTokens: addSpecialTokens)
  }

  /// One text with the special tokens of its layout, cut right where it belongs.
  private func encode(_ text: String, addSpecialTokens: Bool) -> Encoding {
    let layout = layouts[isPair: false, addSpecialTokens: addSpecialTokens]
    var buffer = TokenBuffer(bytes: text.utf8.count)
    var length = 0
    for part in layout.parts {
      switch part {
      case .text:
        let start = buffer.count
        cut(text, into: &buffer)
        length = buffer.count - start
      case .specials(let tokens, _): buffer.append(specials: tokens)
      }
    }
    return encoding(buffer, (length, 0), layout)
  }

  /// The encoding of the tokens that are kept of some texts, with special tokens around.
  func assemble(_ buffers: [TokenBuffer], _ kept: [Range<Int>], addSpecialTokens: Bool) -> Encoding {
    let layout = layouts[isPair: buffers.count == 2, addSpecialTokens: addSpecialTokens]
    var result = TokenBuffer()
    result.tokens.reserveCapacity(kept.reduce(layout.specialCount) { $0 + $1.count })
    for part in layout.parts {
      switch part {
      case .text(let index, _):
        let (buffer, range) = (buffers[index], kept[index])
        let shift = result.count - range.lowerBound
        for (token, text) in buffer.texts where range.contains(token) {
          result.texts.append((token + shift, text))
        }
        result.tokens.append(contentsOf: buffer.tokens[range])
      case .specials(let tokens, _): result.append(specials: tokens)
      }
    }
    return encoding(result, (kept[0].count, kept.count == 2 ? kept[1].count : 0), layout)
  }

  /// The tokens of each text that a truncation keeps; all of them without one.
  func kept(
    _ buffers: [TokenBuffer], addSpecialTokens: Bool, _ truncation: Truncation?
  ) throws(TokenizerError) -> [Range<Int>] {
    guard let truncation else { return buffers.map { 0..<$0.count } }
    let added = layouts[isPair: buffers.count == 2, addSpecialTokens: addSpecialTokens].specialCount
    return try truncation.keptLengths(buffers.map(\.count), added: added).map { 0..<$0 }
  }

  private func encoding(
    _ buffer: TokenBuffer, _ lengths: (Int, Int), _ layout: SequenceLayout
  ) -> Encoding {
    Encoding(
      records: buffer.tokens, texts: buffer.texts, lengths: lengths, layout: layout, pipeline: self)
  }
}
