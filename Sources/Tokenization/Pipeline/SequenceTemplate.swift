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

/// Frame of special tokens that a tokenizer puts around one text, or around and between two, with the segments of all.
package struct SpecialFrame: Sendable {
  /// The tokens before the texts.
  package let before: [Int32]
  /// The tokens behind the texts.
  package let after: [Int32]
  /// The number of special tokens.
  package let count: Int
  private let parts: [SequenceLayout.Part]

  /// The frame of a layout of one text or two.
  init(_ layout: SequenceLayout) {
    parts = layout.parts
    count = layout.specialCount
    func specials(_ parts: some Sequence<SequenceLayout.Part>) -> [[Int32]] {
      var result: [[Int32]] = []
      for part in parts {
        guard case .specials(let tokens, _) = part else { break }
        result.append(tokens.map(\.id))
      }
      return result
    }
    before = Array(specials(parts).joined())
    after = Array(specials(parts.reversed()).reversed().joined())
  }

  /// The tokens of a text, or of two, in the frame.
  ///
  /// - Returns: The ids, their segments, and the place where the first text begins.
  package func sequence(
    _ first: [Int32], _ second: [Int32] = []
  ) -> (ids: [Int32], segments: [Int32], start: Int) {
    var (ids, segments, start): ([Int32], [Int32], Int) = ([], [], 0)
    for part in parts {
      let (tokens, segment): ([Int32], Int32) =
        switch part {
        case .text(let index, let segment): (index == 0 ? first : second, segment)
        case .specials(let tokens, let segment): (tokens.map(\.id), segment)
        }
      if case .text(0, _) = part { start = ids.count }
      ids += tokens
      segments += repeatElement(segment, count: tokens.count)
    }
    return (ids, segments, start)
  }
}
