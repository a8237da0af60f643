import Distillation
import Foundation
import ModelFormats
import TaskData
import Tasks

/// One task of a multi-task run with what belongs to it.
struct MultitaskMember {
  /// What the recipe says of it.
  let entry: TaskEntry
  /// What it is.
  let task: TaskDefinition
  /// Its rows.
  let data: RunData
  /// Its teacher; nil where it is learnt from labels alone.
  let teacher: TeacherSide?
  /// What the student learns of it.
  let config: DistillationConfig
  /// Whether the teacher's answers shall be kept; nil leaves it to the run.
  let wish: Bool?

  /// Reads the data and loads the teacher.
  init(
    _ entry: TaskEntry, _ reader: TaskReader, distillation: DistillationOptions, training: TrainingOptions,
    console: Console
  ) throws {
    self.entry = entry
    task = reader.task
    data = try RunData(reader, training: training, readsUnlabelled: entry.hasTeacher, console: console)
    teacher =
      entry.hasTeacher
      ? try TeacherSide(
        model: entry.teacher, cache: entry.teacherCache, kind: reader.task.kind, console: console) : nil
    config = try distillation.config(overriddenBy: entry.distillation)
    wish = entry.distillation["cache_teacher_logits"]?.boolValue ?? distillation.cacheTeacherLogits
  }

  /// Its folder in that of a run.
  func folder(in run: URL) -> URL { run.appending(path: entry.name, directoryHint: .isDirectory) }

  /// Measures a model on the validation rows; nil without any.
  func measure(_ model: TokenizedModel, console: Console) throws -> Measurement? {
    try data.validation.map {
      try Measurement(of: model, on: EvaluationData(task: task, examples: $0), console: console)
    }
  }

  /// Measures the teacher; of one that is not there its cache says what is known.
  ///
  /// - Parameter metrics: The scores to look for where a cache says them.
  func measureTeacher(_ metrics: [String], console: Console) throws -> Measurement? {
    if let folder = teacher?.folder { return try measure(folder, console: console) }
    return try teacher?.answers.map { try Measurement(of: $0.description, metrics) }
  }
}
