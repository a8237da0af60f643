/// Cuts text into the tokens of a vocabulary: the step in which tokenizers differ.
///
/// A class, since a cutter is much larger than a reference and handed on for every text.
protocol TextCutter: AnyObject, Sendable {
  /// Cuts a stretch of text that holds no added token.
  ///
  /// - Parameters:
  ///   - text: valid UTF-8, not empty.
  ///   - firstOrigin: the index of its first scalar in the whole text.
  ///   - output: gets the tokens appended.
  func cut(_ text: Span<UInt8>, firstOrigin: Int32, into output: inout TokenBuffer)

  /// Cuts a stretch of text in whose normalised form added tokens are to be found.
  func cut(
    _ text: Span<UInt8>, firstOrigin: Int32, finding tokens: AddedTokenMatcher,
    into output: inout TokenBuffer)

  /// The normalised form of an added token.
  func normalized(_ content: [UInt8]) -> [UInt8]
}
