/// A question of an answer key.
public struct GoldQuestion: Sendable, Equatable {
  /// The question's id, under which predictions are filed.
  public let id: String
  /// The accepted answers; none for a question of SQuAD 2.0 that has no answer.
  public let answers: [String]

  /// A question with its accepted answers.
  public init(id: String, answers: [String]) {
    self.id = id
    self.answers = answers
  }
}
