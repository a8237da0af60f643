import Cluster
public import Datasets
import Encoders
import Training

/// A part of a task's data, ready to score models on.
public struct EvaluationData {
  /// The task.
  public let task: TaskDefinition
  /// The rows.
  public let examples: TaskExamples

  /// Rows that were read before.
  public init(task: TaskDefinition, examples: TaskExamples) {
    self.task = task
    self.examples = examples
  }

  /// Reads a split, notes what was left out, and keeps the first `limit` rows.
  ///
  /// - Parameters:
  ///   - reader: The task's files.
  ///   - split: The split.
  ///   - part: A further file of the split, such as `mismatched`; nil for its main file.
  ///   - limit: The largest number of rows; nil takes all.
  ///   - needsLabels: Whether rows without any label are an error.
  ///   - listener: Hears how many rows there are.
  /// - Throws: `DatasetError`; `TaskError` when no row is left, or none has a label.
  public init(
    _ reader: TaskReader, split: DataSplit, part: String? = nil, limit: Int? = nil, needsLabels: Bool = true,
    listener: any WorkListener = SilentListener()
  ) throws {
    let (rows, path, note) = try reader.readExamples(split, part: part)
    task = reader.task
    let limited = rows.limited(to: limit, note: note)
    examples = limited.rows
    listener.note(limited.note)
    if examples.count == 0 {
      throw TaskError(
        "--max-eval-samples is \(limit ?? 0), so that nothing is left of \(path); ask for 1 or more")
    }
    if needsLabels, examples.labelledCount == 0 {
      throw TaskError(
        "\(path) has no labels to score against; choose another --split, or answer it with --output"
      )
    }
  }

  /// Scores a model; its label order may differ from the task's.
  ///
  /// - Throws: `TaskError` when the model's labels are not the task's; `TokenizerError`; `EvaluationError`.
  public func evaluate(
    _ model: TokenizedModel, listener: any WorkListener = SilentListener()
  ) throws -> TaskEvaluation {
    try evaluate(model, over: SoleRank(), listener: listener)
  }

  /// Scores a model like the method of users, each rank on its share of the batches; all ranks have all answers.
  package func evaluate(
    _ model: TokenizedModel, over ranks: any Communicator, listener: any WorkListener
  ) throws -> TaskEvaluation {
    try evaluate(model, encoded: try model.encode(examples, of: task), over: ranks, listener: listener)
  }

  /// Scores a model on the rows as it reads them.
  package func evaluate(
    _ model: TokenizedModel, encoded: EncodedTask, over ranks: any Communicator = SoleRank(),
    listener: any WorkListener
  ) throws -> TaskEvaluation {
    let labelOrder = try LabelOrder(model: model.model, path: model.path, task: task)
    defer { listener.progressEnded() }
    let total = encoded.examples.count
    listener.progress("Evaluating", done: 0, total: total)
    return try evaluateTask(
      model.model, encoded, outputs: labelOrder.outputs, over: ranks,
      progress: { listener.progress("Evaluating", done: $0, total: total) })
  }
}
