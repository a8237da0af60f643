import TaskData

/// The examples of a run.
struct RunData {
  /// What the model learns from.
  let train: [TextExample]
  /// What it is scored on; empty when the task has no validation file.
  let validation: [TextExample]

  /// Reads the splits that there are, and says what was left out.
  init(_ reader: TaskReader, training: TrainingOptions, readsUnlabelled: Bool = false, console: Console)
    throws
  {
    func read(_ split: DataSplit, _ limit: Int?) throws -> [TextExample] {
      var dataset = try reader.read(split)
      if let limit { dataset = dataset.prefix(limit) }
      console.note(dataset.summary)
      return dataset.examples
    }
    let labelled = try read(.train, training.maxTrainSamples)
    let hasMore = readsUnlabelled && reader.task.unlabelledFile != nil
    train = labelled + (hasMore ? try read(.unlabelled, nil) : [])
    validation = reader.task.validationFile == nil ? [] : try read(.validation, training.maxEvalSamples)
  }
}
