/// What a model says of one window of a question's passage, token by token.
public struct SpanWindow: Sendable {
  /// The logit of each token as the first of the answer [L].
  public var startLogits: [Float]
  /// The logit of each token as the last of the answer [L].
  public var endLogits: [Float]
  /// Where each token stands in the passage, in Unicode scalars [L]; nil for tokens that are no part of it (the
  /// question, [CLS], [SEP]), which no answer may touch.
  public var offsets: [Range<Int>?]
  /// The token whose logits stand for "no answer".
  public var clsIndex: Int
  /// Whether each token has its most context in this window [L]; an answer may start at no other.
  ///
  /// Nil lets it start anywhere, as `transformers`' run_qa does; BERT's run_squad.py asks for it (see `WindowJoin`).
  public var isMaxContext: [Bool]?

  /// A window of L tokens.
  public init(
    startLogits: [Float], endLogits: [Float], offsets: [Range<Int>?], clsIndex: Int = 0,
    isMaxContext: [Bool]? = nil
  ) {
    precondition(
      startLogits.count == endLogits.count && startLogits.count == offsets.count
        && (isMaxContext.map { $0.count == offsets.count } ?? true),
      "A window of \(offsets.count) tokens has \(startLogits.count) start and \(endLogits.count) end logits.")
    precondition(
      startLogits.indices.contains(clsIndex), "The token \(clsIndex) is not in a window of \(offsets.count).")
    self.startLogits = startLogits
    self.endLogits = endLogits
    self.offsets = offsets
    self.clsIndex = clsIndex
    self.isMaxContext = isMaxContext
  }
}
