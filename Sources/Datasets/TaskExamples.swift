/// Rows of one split of a task, in the form that its kind reads.
public enum TaskExamples: Sendable, Hashable {
  /// Texts or pairs.
  case texts([TextExample])
  /// Sentences of words.
  case sentences([TaggedSentence])
  /// Questions with their passages.
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
    case (.texts, _), (.sentences, _), (.questions, _):
      preconditionFailure("Rows of different forms cannot be put together.")
    }
  }
}
