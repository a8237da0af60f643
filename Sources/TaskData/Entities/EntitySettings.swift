/// What a token classification task needs beside its labels; the keys stand in the recipe itself.
public struct EntitySettings: Sendable, Hashable {
  /// How the model's tags mark entities; the recipe's `scheme`.
  public var scheme: TaggingScheme
  /// How the files mark entities where that differs; the recipe's `input_scheme`.
  public var inputScheme: TaggingScheme?
  /// Whether every piece of a word carries a tag, not only the first; the recipe's `label_all_tokens`, as in `run_ner`.
  public var labelAllTokens: Bool
  /// Whether each character is followed by a digit that is no part of it, as in Weibo's files; `strip_segment_digits`.
  public var stripSegmentDigits: Bool

  /// The usual settings: BIO throughout, tags on first pieces.
  public init(
    scheme: TaggingScheme = .bio, inputScheme: TaggingScheme? = nil, labelAllTokens: Bool = false,
    stripSegmentDigits: Bool = false
  ) {
    self.scheme = scheme
    self.inputScheme = inputScheme
    self.labelAllTokens = labelAllTokens
    self.stripSegmentDigits = stripSegmentDigits
  }
}
