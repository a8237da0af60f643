import TaskData

/// The rows of a run.
struct RunData {
  /// What the model learns from.
  let train: TaskExamples
  /// What it is scored on; nil when the task has no validation file.
  let validation: TaskExamples?

  /// Reads the splits that there are, and says what was left out.
  init(_ reader: TaskReader, training: TrainingOptions, readsUnlabelled: Bool = false, console: Console)
    throws
  {
    func read(_ split: DataSplit, _ limit: Int?) throws -> TaskExamples {
      let (examples, _, summary) = try reader.readExamples(split)
      console.note(summary)
      return limit.map { examples.prefix($0) } ?? examples
    }
    var train = try read(.train, training.maxTrainSamples)
    if readsUnlabelled, reader.task.unlabelledFile != nil {
      train = train.appending(try read(.unlabelled, nil))
    }
    self.train = train
    validation = reader.task.validationFile == nil ? nil : try read(.validation, training.maxEvalSamples)
  }
}
