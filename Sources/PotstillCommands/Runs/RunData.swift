import TaskData
import Tasks

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
      return limit.map { examples.prefix(max(0, $0)) } ?? examples
    }
    given = try read(.train, training.maxTrainSamples)
    var train = given
    if readsUnlabelled, reader.task.unlabelledFile != nil {
      let more = try read(.unlabelled, nil)
      train = train.appending(more, upTo: training.maxTrainSamples, console: console)
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

extension TaskExamples {
  /// These rows and then texts without labels, as many in all as `--max-train-samples` lets a run have; says what is left out.
  func appending(_ more: TaskExamples, upTo limit: Int?, console: Console) -> TaskExamples {
    let left = limit.map { max(0, $0 - count) } ?? more.count
    if left < more.count, let limit {
      console.warn(
        "--max-train-samples \(limit) leaves out \(grouped(more.count - left)) of \(grouped(more.count)) texts without labels"
      )
    }
    return appending(more.prefix(min(left, more.count)))
  }
}
