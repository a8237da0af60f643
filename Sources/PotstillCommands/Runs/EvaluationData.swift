import Encoders
import TaskData
import Training

/// A labelled part of a task's data, ready to score models on.
struct EvaluationData {
  /// The task.
  let task: TaskDefinition
  /// The examples.
  let examples: [TextExample]

  /// Examples that were read before.
  init(task: TaskDefinition, examples: [TextExample]) {
    self.task = task
    self.examples = examples
  }

  /// Reads a split, says what was left out, and keeps the first `limit` examples.
  init(_ reader: TaskReader, split: DataSplit, limit: Int?, console: Console) throws {
    var dataset = try reader.read(split)
    if let limit { dataset = dataset.prefix(limit) }
    task = reader.task
    examples = dataset.examples
    console.note(dataset.summary)
    if dataset.labelledCount == 0 {
      throw CommandError(
        "\(dataset.path) has no labels to score against; choose another --split, or label it with 'potstill predict'"
      )
    }
  }

  /// Scores a model; its label order may differ from the task's.
  func evaluate(_ folder: ClassifierFolder, console: Console) throws -> ClassifierEvaluation {
    let order = try LabelOrder(model: folder.model, path: folder.path, task: task)
    let encoded = try folder.encode(examples, limit: folder.lengthLimit(task.maxSequenceLength))
    let progress = ProgressDisplay(console)
    defer { progress.finishLine() }
    progress.show("Evaluating", done: 0, total: encoded.count)
    return try evaluateClassifier(
      encoded, metrics: task.metrics,
      progress: { progress.show("Evaluating", done: $0, total: encoded.count) },
      forward: order.forward(folder.model))
  }
}
