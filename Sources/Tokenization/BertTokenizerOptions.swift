/// How text is cleaned and cut into words before WordPiece, under the names of `tokenizers`' `BertNormalizer`.
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
  /// What marks a piece that continues a word.
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
