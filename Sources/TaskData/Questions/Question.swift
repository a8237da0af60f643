/// A question with the passage that may answer it.
public struct Question: Sendable, Hashable {
  /// An answer as people gave it.
  public struct Answer: Sendable, Hashable {
    /// The text.
    public var text: String
    /// The Unicode scalar of the passage at which it begins, nil where the passage does not have it.
    public var start: Int?
    /// How many Unicode scalars of the passage it covers: not always those of the text, whose white space may differ.
    public var length: Int

    /// An answer made by hand or by a reader; where no length is given, it is the text's.
    public init(text: String, start: Int?, length: Int? = nil) {
      self.text = text
      self.start = start
      self.length = length ?? text.unicodeScalars.count
    }
  }

  /// What the file calls the question.
  public var id: String
  /// The question.
  public var text: String
  /// The passage.
  public var context: String
  /// The answers; empty where none is known or there is none.
  public var answers: [Answer]
  /// Whether the passage does not answer the question (SQuAD 2.0's `is_impossible`).
  public var isImpossible: Bool

  /// A question made by hand or by a reader.
  public init(id: String, text: String, context: String, answers: [Answer] = [], isImpossible: Bool = false) {
    self.id = id
    self.text = text
    self.context = context
    self.answers = answers
    self.isImpossible = isImpossible
  }
}
