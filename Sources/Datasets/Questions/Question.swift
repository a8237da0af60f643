/// A question with the passage that may answer it.
public struct Question: Sendable, Hashable {
  /// An answer as people gave it.
  public struct Answer: Sendable, Hashable {
    /// The text.
    public var text: String
    /// The Unicode scalar of the passage at which it begins, nil where the passage does not have it.
    public var start: Int?
    /// The number of Unicode scalars of the passage that it covers: not always those of the text, whose white space
    /// may differ.
    public var length: Int

    /// An answer made by hand or by a reader; where no length is given, it is the text's.
    public init(text: String, start: Int?, length: Int? = nil) {
      self.text = text
      self.start = start
      self.length = length ?? text.unicodeScalars.count
    }
  }

  /// The name of the question in the file.
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

/// Settings of a question answering task; the keys stand in the recipe itself, named as in `run_qa` and `run_squad`.
public struct QuestionSettings: Sendable, Hashable {
  /// The key of the question in JSON lines; `question_column`.
  public var questionColumn: ColumnReference
  /// The key of the passage in JSON lines; `context_column`.
  public var contextColumn: ColumnReference
  /// The key of the answers in JSON lines; `answer_column`.
  public var answerColumn: ColumnReference
  /// The most tokens of a question; what is beyond is cut; `max_query_length`.
  public var maxQueryLength: Int
  /// The most tokens of a predicted answer; `max_answer_length`.
  public var maxAnswerLength: Int
  /// The number of starts and ends that are combined when the best answer is sought; `n_best_size`.
  public var nBestSize: Int
  /// Whether there are questions without an answer (SQuAD 2.0); `version_2_with_negative`.
  public var version2WithNegative: Bool
  /// The lead over the best answer that "no answer" must have to be the prediction; `null_score_diff_threshold`.
  public var nullScoreDiffThreshold: Double

  /// The settings of the official scripts.
  public init(
    questionColumn: ColumnReference = .name("question"), contextColumn: ColumnReference = .name("context"),
    answerColumn: ColumnReference = .name("answers"), maxQueryLength: Int = 64, maxAnswerLength: Int = 30,
    nBestSize: Int = 20, version2WithNegative: Bool = false, nullScoreDiffThreshold: Double = 0
  ) {
    self.questionColumn = questionColumn
    self.contextColumn = contextColumn
    self.answerColumn = answerColumn
    self.maxQueryLength = maxQueryLength
    self.maxAnswerLength = maxAnswerLength
    self.nBestSize = nBestSize
    self.version2WithNegative = version2WithNegative
    self.nullScoreDiffThreshold = nullScoreDiffThreshold
  }

  /// The largest `n_best_size`; all kept answers of all questions are in memory at once.
  private static let largestNBestSize = 1000

  package var faults: [String] {
    var faults: [String] = []
    for (name, value, most) in [
      ("max_query_length", maxQueryLength, EncodedExample.lengths.upperBound),
      ("max_answer_length", maxAnswerLength, EncodedExample.lengths.upperBound),
      ("n_best_size", nBestSize, Self.largestNBestSize),
    ] where value < 1 || value > most {
      faults.append("\(name) is \(value), expected \(value < 1 ? "at least 1" : "at most \(most)")")
    }
    if !nullScoreDiffThreshold.isFinite {
      faults.append("null_score_diff_threshold is \(nullScoreDiffThreshold), expected a number")
    }
    return faults
  }
}
