/// How special tokens are put around one text or two: the `TemplateProcessing` of `tokenizers`.
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
    specials = [classification.text: [classification], separator.text: [separator]]
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

  /// How many special tokens come on top of the texts.
  func addedCount(isPair: Bool) -> Int {
    pieces(isPair: isPair).reduce(0) { count, piece in
      if case .special(let name, _) = piece { count + (specials[name]?.count ?? 0) } else { count }
    }
  }
}
