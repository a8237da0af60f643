/// Template of a sequence, special tokens around one text or two: the `TemplateProcessing` of `tokenizers`.
struct SequenceTemplate: Sendable, Equatable {
  /// A piece of a template.
  enum Piece: Sendable, Equatable {
    /// The text with an index, 0 or 1.
    case text(Int, segment: Int32)
    /// A special token (or several) by name.
    case special(String, segment: Int32)
  }

  /// One of the tokens that a special name stands for.
  struct Token: Sendable, Equatable {
    var id: Int32
    var text: String
  }

  var single: [Piece]
  var pair: [Piece]
  /// The tokens behind each name.
  var specials: [String: [Token]]

  /// BERT's template: [CLS] A [SEP] or [CLS] A [SEP] B [SEP].
  init(classification: Token, separator: Token) {
    single = [
      .special(classification.text, segment: 0), .text(0, segment: 0), .special(separator.text, segment: 0),
    ]
    pair = single + [.text(1, segment: 1), .special(separator.text, segment: 1)]
    specials = [classification.text: [classification]]
    specials[separator.text] = [separator]
  }

  /// RoBERTa's template: <s> A </s> or <s> A </s></s> B </s>, one segment.
  static func roberta(classification: Token, separator: Token) -> SequenceTemplate {
    var template = SequenceTemplate(classification: classification, separator: separator)
    let end = Piece.special(separator.text, segment: 0)
    template.pair = template.single + [end, .text(1, segment: 0), end]
    return template
  }

  init(single: [Piece], pair: [Piece], specials: [String: [Token]]) {
    self.single = single
    self.pair = pair
    self.specials = specials
  }

  /// No special tokens at all.
  static let plain = SequenceTemplate(
    single: [.text(0, segment: 0)], pair: [.text(0, segment: 0), .text(1, segment: 1)], specials: [:])

  func pieces(isPair: Bool) -> [Piece] { isPair ? pair : single }

  /// The parts of a sequence in order.
  func layout(isPair: Bool, addSpecialTokens: Bool) -> SequenceLayout {
    SequenceLayout(
      parts: pieces(isPair: isPair).compactMap { piece in
        switch piece {
        case .text(let index, let segment): .text(index, segment: segment)
        case .special(let name, let segment):
          addSpecialTokens ? .specials(specials[name] ?? [], segment: segment) : nil
        }
      })
  }
}

/// The parts of a sequence in order, special tokens looked up; one object serves every text of a tokenizer.
final class SequenceLayout: Sendable {
  /// A stretch of tokens of one origin.
  enum Part: Sendable {
    /// The text with an index, 0 or 1.
    case text(Int, segment: Int32)
    /// Special tokens.
    case specials([SequenceTemplate.Token], segment: Int32)
  }

  let parts: [Part]
  /// The number of special tokens.
  let specialCount: Int

  init(parts: [Part]) {
    self.parts = parts
    specialCount = parts.reduce(0) { count, part in
      if case .specials(let tokens, _) = part { count + tokens.count } else { count }
    }
  }
}

/// A tokenizer's layouts: one text or two, with special tokens or without.
struct SequenceLayouts: Sendable {
  private let layouts: [SequenceLayout]

  init(_ template: SequenceTemplate) {
    layouts = [false, true].flatMap { isPair in
      [false, true].map { template.layout(isPair: isPair, addSpecialTokens: $0) }
    }
  }

  subscript(isPair isPair: Bool, addSpecialTokens addSpecialTokens: Bool) -> SequenceLayout {
    layouts[(isPair ? 2 : 0) + (addSpecialTokens ? 1 : 0)]
  }
}
