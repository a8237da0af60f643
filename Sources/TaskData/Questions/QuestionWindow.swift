/// What a model sees of a question and its passage at once: all of it, or a part of a long passage.
public struct QuestionWindow: Sendable, Hashable {
  /// The tokens of question and passage; the target is the span of the answer, 0 and 0 where the window lacks it.
  public var example: EncodedExample
  /// The position of the question in the data set.
  public let question: Int
  /// The tokens of the passage as positions in the sequence.
  public let contextTokens: Range<Int>
  /// Where each of those tokens lies in the passage, in Unicode scalars [contextTokens.count].
  public let offsets: [Range<Int>]

  /// Where a token lies in the passage, nil for one of the question and for special tokens.
  public func offset(ofToken token: Int) -> Range<Int>? {
    contextTokens.contains(token) ? offsets[token - contextTokens.lowerBound] : nil
  }
}
