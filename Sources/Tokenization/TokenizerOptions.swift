/// Options of BERT's tokenizer: how text is cleaned and cut into words before WordPiece, under the names of
/// `tokenizers`' `BertNormalizer`.
public struct BertTokenizerOptions: Sendable, Equatable {
  /// Whether control characters are removed and every white space becomes a plain space.
  public var cleanText: Bool
  /// Whether each Chinese character becomes a word of its own.
  public var handleChineseCharacters: Bool
  /// Whether accents are removed (decomposition, then nonspacing marks dropped); nil follows `lowercase`.
  public var stripAccents: Bool?
  /// Whether text becomes lower case.
  public var lowercase: Bool
  /// The token for words that the vocabulary cannot spell.
  public var unknownToken: String
  /// The mark of a piece that continues a word.
  public var continuingPrefix: String
  /// Words of more Unicode scalars than this are unknown.
  public var maximumWordLength: Int
  /// Names of the other special tokens.
  public var specialTokens: SpecialTokenNames
  /// The longest sequence the model was made for, nil when the files name no limit.
  public var modelMaxLength: Int?

  /// Options of BERT; the defaults are those of the uncased models.
  public init(
    cleanText: Bool = true, handleChineseCharacters: Bool = true, stripAccents: Bool? = nil,
    lowercase: Bool = true, unknownToken: String = "[UNK]", continuingPrefix: String = "##",
    maximumWordLength: Int = 100, specialTokens: SpecialTokenNames = SpecialTokenNames(),
    modelMaxLength: Int? = 512
  ) {
    self.cleanText = cleanText
    self.handleChineseCharacters = handleChineseCharacters
    self.stripAccents = stripAccents
    self.lowercase = lowercase
    self.unknownToken = unknownToken
    self.continuingPrefix = continuingPrefix
    self.maximumWordLength = maximumWordLength
    self.specialTokens = specialTokens
    self.modelMaxLength = modelMaxLength
  }

  /// Whether accents are removed, once `stripAccents` has been resolved.
  var stripsAccents: Bool { stripAccents ?? lowercase }
}

/// Options of byte-level BPE: how text is cut before and after the merges, under the names of `tokenizers`'
/// `ByteLevel`.
public struct ByteLevelBPEOptions: Sendable, Equatable {
  /// Whether text that does not begin with a space gets one, so that its first word is a word like others.
  public var addPrefixSpace: Bool
  /// Whether offsets leave out the white space at the ends of tokens (by the post-processor).
  public var trimOffsets: Bool
  /// The `addPrefixSpace` of the post-processor: whether the first token's one space stays inside its offsets; nil
  /// for the same.
  public var trimsAsIfPrefixed: Bool?
  /// Whether text is split into words by GPT-2's regular expression, beyond which no merge reaches.
  public var useRegex: Bool
  /// The token for what the vocabulary cannot spell, which byte-level text never needs; nil for none.
  public var unknownToken: String?
  /// Names of the other special tokens.
  public var specialTokens: SpecialTokenNames
  /// The longest sequence the model was made for, nil when the files name no limit.
  public var modelMaxLength: Int?

  /// Options of byte-level BPE; the defaults are RoBERTa's.
  public init(
    addPrefixSpace: Bool = false, trimOffsets: Bool = true, trimsAsIfPrefixed: Bool? = nil,
    useRegex: Bool = true, unknownToken: String? = "<unk>", specialTokens: SpecialTokenNames = .roberta,
    modelMaxLength: Int? = 512
  ) {
    self.addPrefixSpace = addPrefixSpace
    self.trimOffsets = trimOffsets
    self.trimsAsIfPrefixed = trimsAsIfPrefixed
    self.useRegex = useRegex
    self.unknownToken = unknownToken
    self.specialTokens = specialTokens
    self.modelMaxLength = modelMaxLength
  }
}

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

/// A token that is found in the text before anything else happens to it, as in `tokenizers`.
public struct AddedToken: Sendable, Equatable {
  /// The text of the token.
  public var content: String
  /// Whether it only counts where it stands alone, not inside a word.
  public var singleWord: Bool
  /// Whether it takes in the white space on its left.
  public var stripsLeft: Bool
  /// Whether it takes in the white space on its right.
  public var stripsRight: Bool
  /// Whether it is looked for in the normalised text instead of the raw text.
  public var normalized: Bool
  /// Whether it is special, such as [CLS].
  public var special: Bool

  /// A token to be found in texts; special ones are not normalised unless asked.
  public init(
    _ content: String, special: Bool = false, singleWord: Bool = false, stripsLeft: Bool = false,
    stripsRight: Bool = false, normalized: Bool? = nil
  ) {
    self.content = content
    self.special = special
    self.singleWord = singleWord
    self.stripsLeft = stripsLeft
    self.stripsRight = stripsRight
    self.normalized = normalized ?? !special
  }
}
