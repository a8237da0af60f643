import TaskData

/// How the tokens of two tokenizers over one text lie to each other.
///
/// Tokens belong together when they share a character of one text; special tokens when both stand before, between or
/// behind the texts.
public struct TokenAlignment: Sendable, Hashable {
  /// The teacher's tokens over each of the student's; empty where the teacher has none there [student's length].
  public let teacherTokens: [Range<Int32>]
  /// The student's tokens over each of the teacher's [teacher's length].
  public let studentTokens: [Range<Int32>]
  /// The first tokens of each word that both sides have, where words are cut one by one; otherwise empty.
  public let words: [Word]

  /// The first tokens of a word.
  public struct Word: Sendable, Hashable {
    /// The student's, as a position in its sequence.
    public let student: Int32
    /// The teacher's.
    public let teacher: Int32
  }

  init(student: TokenPlaces, teacher: TokenPlaces, countsWords: Bool = false) {
    teacherTokens = student.tokens(of: teacher)
    studentTokens = teacher.tokens(of: student)
    guard countsWords else {
      words = []
      return
    }
    let others = teacher.runs
    words = student.runs.filter { $0.key >= 0 }.sorted { $0.value.lowerBound < $1.value.lowerBound }
      .compactMap { word, tokens in
        others[word].map { Word(student: Int32(tokens.lowerBound), teacher: Int32($0.lowerBound)) }
      }
  }
}
