/// The rows of one split of a task, as its kind has them.
public enum TaskExamples: Sendable, Hashable {
  /// Texts or pairs, for classification, pairs, regression and multi-label tasks.
  case texts([TextExample])
  /// Sentences of words, for token classification.
  case sentences([TaggedSentence])
  /// Questions with their passages, for question answering.
  case questions([Question])

  /// The number of rows.
  public var count: Int {
    switch self {
    case .texts(let rows): rows.count
    case .sentences(let rows): rows.count
    case .questions(let rows): rows.count
    }
  }

  /// The number of rows whose answer is known.
  public var labelledCount: Int {
    switch self {
    case .texts(let rows): rows.count { $0.target != .none }
    case .sentences(let rows): rows.count { $0.tags != nil }
    case .questions(let rows): rows.count { $0.isImpossible || !$0.answers.isEmpty }
    }
  }

  /// The first rows only, as `max_train_samples` and its kin ask for.
  public func prefix(_ maxCount: Int) -> TaskExamples {
    switch self {
    case .texts(let rows): .texts(Array(rows.prefix(maxCount)))
    case .sentences(let rows): .sentences(Array(rows.prefix(maxCount)))
    case .questions(let rows): .questions(Array(rows.prefix(maxCount)))
    }
  }

  /// These rows and then others of the same kind.
  public func appending(_ more: TaskExamples) -> TaskExamples {
    switch (self, more) {
    case (.texts(let first), .texts(let second)): .texts(first + second)
    case (.sentences(let first), .sentences(let second)): .sentences(first + second)
    case (.questions(let first), .questions(let second)): .questions(first + second)
    default: preconditionFailure("Rows of different kinds of tasks cannot be put together.")
    }
  }
}

extension TaskReader {
  /// Reads one split of any task but a masked language model's, whose text is streamed.
  ///
  /// - Parameter part: The name of a further file of the split, such as `mismatched`; nil for its main file.
  /// - Returns: The rows, the path of their file, and for people how many there are, and what was left out or repaired.
  ///
  /// Throws as `read`.
  public func readExamples(
    _ split: DataSplit, part: String? = nil
  ) throws(TaskDataError) -> (examples: TaskExamples, path: String, account: String) {
    switch task.kind {
    case .tokenClassification:
      let dataset = try readSentences(split, part: part)
      return (.sentences(dataset.examples), dataset.path, dataset.account)
    case .questionAnswering:
      let dataset = try readQuestions(split, part: part)
      return (.questions(dataset.examples), dataset.path, dataset.account)
    case .classification, .pair, .regression, .multiLabel, .maskedLanguageModel:
      let dataset = try read(split, part: part)
      return (.texts(dataset.examples), dataset.path, dataset.account)
    }
  }
}
