public import Datasets
import Evaluation
public import Tokenization

/// Encoded rows of a task: what a model sees, and the way back from its answers to the rows.
public struct EncodedTask: Sendable {
  /// The task.
  public let task: TaskDefinition
  /// Examples that the model reads, long rows in windows.
  public let examples: [EncodedExample]
  /// The number of rows.
  public let rowCount: Int
  /// Number in its file of the row that each text or pair is, by the file's column `index` or counted from 0; where no file holds it, its
  /// position.
  ///
  /// Empty for sentences and questions, whose answers carry words and ids instead.
  public let rowNumbers: [Int]
  /// Places of the examples in the rows.
  package let places: Places
  private let answers: @Sendable ([[Float]]) throws -> (TaskPredictions, [Score])

  /// Places of examples in the rows that they are of.
  package enum Places: Sendable {
    /// One example a text or pair.
    case texts
    /// One or more windows a sentence.
    case sentences(EncodedSentences)
    /// One or more windows a question.
    case questions([QuestionWindow])
  }

  /// Tokenizes rows with the task's own settings, on all cores.
  ///
  /// - Parameters:
  ///   - rows: Rows of the task's kind.
  ///   - maxLength: The largest number of tokens of an example, special tokens included; longer texts and pairs are cut,
  ///     longer sentences and passages seen in overlapping windows.
  ///
  /// Throws `TokenizerError.truncation` when the length leaves too little room.
  public init(
    _ rows: TaskExamples, task: TaskDefinition, with tokenizer: any Tokenizer, maxLength: Int
  ) throws(TokenizerError) {
    self = try task.kind.family.encode(rows, of: task, with: tokenizer, maxLength: maxLength)
  }

  /// Texts or pairs that were tokenized elsewhere, one example a row.
  public init(_ examples: [EncodedExample], task: TaskDefinition) {
    self.init(examples, task: task, rowNumbers: Array(examples.indices))
  }

  /// Texts or pairs, one example a row.
  package init(_ examples: [EncodedExample], task: TaskDefinition, rowNumbers: [Int]) {
    precondition(
      task.kind.family.usualStride == nil,
      "A \(task.kind.rawValue) task needs its rows, since a row may be seen in several windows.")
    self.task = task
    self.examples = examples
    self.rowNumbers = rowNumbers
    rowCount = examples.count
    places = .texts
    answers = { logits in
      try task.kind.family.score(logits, of: EncodedTask(examples, task: task, rowNumbers: rowNumbers))
    }
  }

  /// Windows of rows.
  ///
  /// - Parameter answers: What the logits of all examples answer to the rows, with the scores.
  package init(
    _ examples: [EncodedExample], task: TaskDefinition, rowCount: Int, places: Places,
    answers: @escaping @Sendable ([[Float]]) throws -> (TaskPredictions, [Score])
  ) {
    self.task = task
    self.examples = examples
    self.rowCount = rowCount
    self.places = places
    self.answers = answers
    rowNumbers = []
  }

  /// The row that an example is of, or a window of.
  package func row(of example: Int) -> Int {
    switch places {
    case .texts: example
    case .sentences(let encoded): encoded.windows[example].sentence
    case .questions(let windows): windows[example].question
    }
  }

  /// The answers that logits stand for, and their scores under the task's metrics; none where no row has a label.
  ///
  /// - Parameter logits: The logits of each example, row-major.
  /// - Throws: `EvaluationError` for a metric that is not known or cannot be computed.
  package func score(_ logits: [[Float]]) throws -> (TaskPredictions, [Score]) {
    try answers(logits)
  }
}

extension TaskDefinition {
  /// The task for inputs of at most some tokens: a stride too large for them becomes half of their room.
  package func fitting(_ maxLength: Int) -> TaskDefinition {
    var task = self
    let room = max(4, maxLength - kind.family.windowFrame(of: self))
    if task.docStride >= room { task.docStride = room / 2 }
    return task
  }
}
