import Encoders
import TaskData
import Tasks
import Training

/// A part of a task's data, ready to score models on.
struct EvaluationData {
  /// The task.
  let task: TaskDefinition
  /// The rows.
  let examples: TaskExamples

  /// Rows that were read before.
  init(task: TaskDefinition, examples: TaskExamples) {
    self.task = task
    self.examples = examples
  }

  /// Reads a split, says what was left out, and keeps the first `limit` rows.
  ///
  /// - Parameters:
  ///   - part: A further file of the split, such as `mismatched`; nil for its main file.
  ///   - needsLabels: Whether rows without any label are an error.
  init(
    _ reader: TaskReader, split: DataSplit, part: String? = nil, limit: Int?, needsLabels: Bool = true,
    console: Console
  ) throws {
    let (rows, path, account) = try reader.readExamples(split, part: part)
    task = reader.task
    examples = limit.map { rows.prefix(max(0, $0)) } ?? rows
    console.note(account)
    if examples.count == 0 {
      throw CommandError(
        "--max-eval-samples is \(limit ?? 0), so that nothing is left of \(path); ask for 1 or more")
    }
    if needsLabels, examples.labelledCount == 0 {
      throw CommandError(
        "\(path) has no labels to score against; choose another --split, or answer it with --output"
      )
    }
  }

  /// Scores a model; its label order may differ from the task's.
  func evaluate(_ folder: TokenizedModel, console: Console) throws -> TaskEvaluation {
    let order = try LabelOrder(model: folder.model, path: folder.path, task: task)
    let encoded = try folder.encode(examples, of: task)
    let progress = ProgressDisplay(console)
    defer { progress.finishLine() }
    let total = encoded.examples.count
    progress.show("Evaluating", done: 0, total: total)
    return try evaluateTask(
      folder.model, encoded, outputs: order.outputs,
      progress: { progress.show("Evaluating", done: $0, total: total) })
  }
}
