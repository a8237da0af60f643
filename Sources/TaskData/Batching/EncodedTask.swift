public import Tokenization

/// The rows of a task as a model sees them, and the way back from its answers to the rows.
public struct EncodedTask: Sendable {
  /// Where the examples come from.
  public enum Source: Sendable {
    /// One example a text or pair.
    case texts
    /// One or more windows a sentence.
    case sentences([TaggedSentence], EncodedSentences)
    /// One or more windows a question.
    case questions([Question], [QuestionWindow])
  }

  /// The task.
  public let task: TaskDefinition
  /// The rows behind the examples.
  public let source: Source
  /// What the model reads, long rows in windows.
  public let examples: [EncodedExample]
  /// Which row of its file each text or pair is, by the file's column `index` or counted from 0; where no file holds it, its
  /// position.
  ///
  /// Empty for sentences and questions, whose answers carry words and ids instead.
  public let rowNumbers: [Int]

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
    self.task = task
    switch rows {
    case .texts(let texts):
      source = .texts
      examples = try EncodedExample.encode(texts, with: tokenizer, maxLength: maxLength)
      rowNumbers = texts.enumerated().map { position, text in text.row ?? position }
    case .sentences(let sentences):
      let encoded = try EncodedSentences.encode(
        sentences, task: task.fitting(maxLength), with: tokenizer, maxLength: maxLength)
      source = .sentences(sentences, encoded)
      examples = encoded.examples
      rowNumbers = []
    case .questions(let questions):
      let windows = try QuestionWindow.encode(
        questions, task: task.fitting(maxLength), with: tokenizer, maxLength: maxLength)
      source = .questions(questions, windows)
      examples = windows.map(\.example)
      rowNumbers = []
    }
  }

  /// Texts or pairs that were tokenized elsewhere, one example a row.
  public init(_ examples: [EncodedExample], task: TaskDefinition) {
    precondition(
      task.kind != .tokenClassification && task.kind != .questionAnswering,
      "A \(task.kind.rawValue) task needs its rows, since a row may be seen in several windows.")
    self.task = task
    self.examples = examples
    rowNumbers = Array(examples.indices)
    source = .texts
  }

  /// The number of rows.
  public var rowCount: Int {
    switch source {
    case .texts: examples.count
    case .sentences(let rows, _): rows.count
    case .questions(let rows, _): rows.count
    }
  }
}

extension TaskDefinition {
  /// The task for inputs of at most some tokens: a stride too large for them becomes half of their room.
  fileprivate func fitting(_ maxLength: Int) -> TaskDefinition {
    var task = self
    let taken = kind == .questionAnswering ? questions.maxQueryLength + 3 : 2
    let room = max(4, maxLength - taken)
    if task.docStride >= room { task.docStride = room / 2 }
    return task
  }
}
