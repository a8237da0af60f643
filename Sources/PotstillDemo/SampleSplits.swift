public import TaskData
public import Tasks

/// How many rows each split of a sample task holds.
public struct SampleCounts: Sendable, Hashable, Codable {
  /// Labelled rows that the teacher was trained on, wherever that was.
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
