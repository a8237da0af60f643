public import Datasets
public import Foundation
public import Tasks

/// A sample task of any kind with its rows.
public struct SampleData: Sendable {
  /// Kind of sample task.
  public enum Kind: String, Sendable, Hashable, CaseIterable {
    /// Reviews that are positive or negative: `SampleTask`.
    case sentiment
    /// Named entities: `SampleEntityTask`.
    case ner
    /// Answers in passages: `SampleQuestionTask`.
    case qa

    /// The task with the student's few labels.
    public var definition: TaskDefinition {
      switch self {
      case .sentiment: SampleTask.definition
      case .ner: SampleEntityTask.definition
      case .qa: SampleQuestionTask.definition
      }
    }
  }

  /// The task with the student's few labels.
  public let task: TaskDefinition
  /// Labelled rows for the teacher.
  public let teacher: TaskExamples
  /// The student's few labelled rows.
  public let train: TaskExamples
  /// The student's rows without labels.
  public let unlabelled: TaskExamples
  /// Labelled rows to choose a checkpoint with.
  public let validation: TaskExamples
  /// Labelled rows with unseen combinations.
  public let test: TaskExamples
  private let writeFiles: @Sendable (URL) throws(DatasetError) -> Void

  /// Draws the rows of a task; the same arguments give the same rows on every machine.
  public init(
    _ kind: Kind, seed: UInt64, counts: SampleCounts, languages: [SampleLanguage] = SampleLanguage.allCases
  ) {
    switch kind {
    case .sentiment:
      let splits = SampleTask.generate(seed: seed, counts: counts, languages: languages)
      self.init(kind.definition, splits, TaskExamples.texts) { url throws(DatasetError) in
        try SampleTask.write(splits, to: url)
      }
    case .ner:
      let splits = SampleEntityTask.generate(seed: seed, counts: counts, languages: languages)
      self.init(kind.definition, splits, TaskExamples.sentences) { url throws(DatasetError) in
        try SampleEntityTask.write(splits, to: url)
      }
    case .qa:
      let splits = SampleQuestionTask.generate(seed: seed, counts: counts, languages: languages)
      self.init(kind.definition, splits, TaskExamples.questions) { url throws(DatasetError) in
        try SampleQuestionTask.write(splits, to: url)
      }
    }
  }

  private init<Row>(
    _ task: TaskDefinition, _ splits: SampleSplits<Row>, _ rows: ([Row]) -> TaskExamples,
    write: @escaping @Sendable (URL) throws(DatasetError) -> Void
  ) {
    self.task = task
    (teacher, train, unlabelled) = (rows(splits.teacher), rows(splits.train), rows(splits.unlabelled))
    (validation, test) = (rows(splits.validation), rows(splits.test))
    writeFiles = write
  }

  /// Writes the files that the task's recipes name; the folder is created.
  ///
  /// A file appears under its name only when it is complete. Throws `DatasetError.unwritableFile`.
  public func write(to folder: URL) throws(DatasetError) { try writeFiles(folder) }
}

extension SampleData {
  /// A test row of each language with its answer, as a line for people.
  package var exampleLines: [String] {
    let rows = (0..<min(8, test.count)).map { Self.line(of: test, at: $0, task) }
    let isEnglish = { (row: String) in row.unicodeScalars.allSatisfy(\.isASCII) }
    return [rows.first(where: isEnglish), rows.first { !isEnglish($0) }].compactMap { $0 }
  }

  /// A row with its answer, as a line.
  private static func line(of rows: TaskExamples, at index: Int, _ task: TaskDefinition) -> String {
    switch rows {
    case .texts(let rows): return "\(task.labels[rows[index].label ?? 0]): \(rows[index].text)"
    case .questions(let rows):
      let question = rows[index]
      return "\(question.context) \(question.text) -> \(question.answers.first?.text ?? "")"
    case .sentences(let rows):
      let words = rows[index].words
      let gap = words.allSatisfy { $0.unicodeScalars.allSatisfy(\.isASCII) } ? " " : ""
      let entities = task.tagSet.entities(of: rows[index].tags ?? []).map {
        "\(words[$0.words].joined(separator: gap)) \(task.labels[$0.type])"
      }
      return "\(words.joined(separator: gap)) -> \(entities.joined(separator: ", "))"
    }
  }
}

/// Numbers of rows in each split of a sample task.
public struct SampleCounts: Sendable, Hashable, Codable {
  /// Labelled rows that the teacher is trained on.
  public var teacher: Int
  /// The few labelled rows that the student's owner has.
  public var train: Int
  /// The rows without labels that the student's owner has.
  public var unlabelled: Int
  /// Labelled rows to choose a checkpoint with, built like the training rows.
  public var validation: Int
  /// Labelled rows to score on, each with a combination that no other split shows.
  public var test: Int

  /// Counts of at least 0.
  public init(teacher: Int, train: Int, unlabelled: Int, validation: Int, test: Int) {
    self.teacher = teacher
    self.train = train
    self.unlabelled = unlabelled
    self.validation = validation
    self.test = test
  }
}

/// The rows of all splits of a sample task.
public struct SampleSplits<Row: Sendable & Hashable>: Sendable, Hashable {
  /// Labelled rows for the teacher.
  public var teacher: [Row] = []
  /// The student's few labelled rows.
  public var train: [Row] = []
  /// The student's rows without labels.
  public var unlabelled: [Row] = []
  /// Labelled rows to choose a checkpoint with.
  public var validation: [Row] = []
  /// Labelled rows with unseen combinations.
  public var test: [Row] = []

  /// Every split with the name of its file, the ending left out.
  var named: [(name: String, rows: [Row], isLabelled: Bool)] {
    [
      ("teacher", teacher, true), ("train", train, true), ("unlabelled", unlabelled, false),
      ("validation", validation, true), ("test", test, true),
    ]
  }
}

/// A language that sample rows are drawn in.
public enum SampleLanguage: String, Sendable, Hashable, Codable, CaseIterable {
  /// English words.
  case english = "en"
  /// Chinese characters.
  case chinese = "zh"
}
