public import Foundation
public import TaskData
public import Tasks
import Tasks

/// A sample task of any kind with its rows.
public struct SampleData: Sendable {
  /// Which of Potstill's own tasks.
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
  private let writeFiles: @Sendable (URL) throws(TaskDataError) -> Void

  /// Draws the rows of a task; the same arguments give the same rows on every machine.
  public init(
    _ kind: Kind, seed: UInt64, counts: SampleCounts, languages: [SampleLanguage] = SampleLanguage.allCases
  ) {
    switch kind {
    case .sentiment:
      let splits = SampleTask.generate(seed: seed, counts: counts, languages: languages)
      self.init(kind.definition, splits, TaskExamples.texts) { url throws(TaskDataError) in
        try SampleTask.write(splits, to: url)
      }
    case .ner:
      let splits = SampleEntityTask.generate(seed: seed, counts: counts, languages: languages)
      self.init(kind.definition, splits, TaskExamples.sentences) { url throws(TaskDataError) in
        try SampleEntityTask.write(splits, to: url)
      }
    case .qa:
      let splits = SampleQuestionTask.generate(seed: seed, counts: counts, languages: languages)
      self.init(kind.definition, splits, TaskExamples.questions) { url throws(TaskDataError) in
        try SampleQuestionTask.write(splits, to: url)
      }
    }
  }

  private init<Row>(
    _ task: TaskDefinition, _ splits: SampleSplits<Row>, _ rows: ([Row]) -> TaskExamples,
    write: @escaping @Sendable (URL) throws(TaskDataError) -> Void
  ) {
    self.task = task
    (teacher, train, unlabelled) = (rows(splits.teacher), rows(splits.train), rows(splits.unlabelled))
    (validation, test) = (rows(splits.validation), rows(splits.test))
    writeFiles = write
  }

  /// Writes the files that the task's recipes name; the folder is created.
  ///
  /// A file appears under its name only when it is complete. Throws `TaskDataError.unwritableFile`.
  public func write(to folder: URL) throws(TaskDataError) { try writeFiles(folder) }
}
