/// The names of a model's special tokens besides the unknown token.
public struct SpecialTokenNames: Sendable, Equatable {
  /// The token that pads a batch (never used inside Potstill, which packs its batches).
  public var padding: String
  /// The token in front of every sequence.
  public var classification: String
  /// The token behind every sequence.
  public var separator: String
  /// The token that hides a word in masked-language modelling.
  public var mask: String

  /// Names of special tokens; the defaults are BERT's.
  public init(
    padding: String = "[PAD]", classification: String = "[CLS]", separator: String = "[SEP]",
    mask: String = "[MASK]"
  ) {
    self.padding = padding
    self.classification = classification
    self.separator = separator
    self.mask = mask
  }

  /// RoBERTa's names.
  public static let roberta = SpecialTokenNames(
    padding: "<pad>", classification: "<s>", separator: "</s>", mask: "<mask>")

  /// The special tokens that a vocabulary has, as tokens to find in raw text.
  func defaultTokens(unknown: String?, in vocabulary: Vocabulary) -> [AddedToken] {
    [unknown, separator, padding, classification, mask].compactMap(\.self)
      .filter { vocabulary.id(of: $0) != nil }.map { AddedToken($0, special: true) }
  }
}
