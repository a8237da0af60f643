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
