import TaskData

/// The rows of a run.
struct RunData {
  /// What the model learns from.
  private(set) var train: TaskExamples
  /// The rows of the training file alone.
  let given: TaskExamples
  /// What it is scored on; nil when the task has no validation file.
  let validation: TaskExamples?

  /// Reads the splits that there are, and says what was left out.
  init(_ reader: TaskReader, training: TrainingOptions, readsUnlabelled: Bool = false, console: Console)
    throws
  {
    func read(_ split: DataSplit, _ limit: Int?) throws -> TaskExamples {
      let (examples, _, account) = try reader.readExamples(split)
      console.note(account)
      return limit.map { examples.prefix($0) } ?? examples
    }
    given = try read(.train, training.maxTrainSamples)
    var train = given
    if readsUnlabelled, reader.task.unlabelledFile != nil {
      train = train.appending(try read(.unlabelled, nil))
    }
    self.train = train
    validation = reader.task.validationFile == nil ? nil : try read(.validation, training.maxEvalSamples)
  }

  /// Adds rows without labels, made of those of the training file, for a teacher to label.
  mutating func augment(_ recipe: AugmentationRecipe, maskedModel: String?, console: Console) throws {
    let made = try AugmentedRows.make(of: given, recipe, maskedModel: maskedModel, console: console)
    console.note("augmentation: \(grouped(made.count)) examples")
    train = train.appending(made)
  }
}
