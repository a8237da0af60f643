/// How text is cut before and after the merges of byte-level BPE, under the names of `tokenizers`' `ByteLevel`.
public struct ByteLevelBPEOptions: Sendable, Equatable {
  /// Whether text that does not begin with a space gets one, so that its first word is a word like others.
  public var addPrefixSpace: Bool
  /// Whether offsets leave out the white space at the ends of tokens (by the post-processor).
  public var trimOffsets: Bool
  /// What the post-processor takes `addPrefixSpace` to be: whether the first token's one space stays inside its offsets;
  /// nil for the same.
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
