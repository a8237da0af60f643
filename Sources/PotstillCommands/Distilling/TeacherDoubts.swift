import Distillation
import ModelFormats
import TaskData
import Tasks
import Training

extension TokenizedModel {
  /// Validation rows that a teacher answers before the training at most; the closing table is about all of them.
  private static let sampleSize = 1000

  /// The doubt that a teacher does no better than guessing; nil where it does, or no row says what is right.
  ///
  /// - Parameters:
  ///   - rows: The validation rows, of which a sample is answered.
  ///   - task: What the rows are of.
  ///   - limit: The longest input; nil leaves it to model and task.
  func doubtOfChance(
    on rows: TaskExamples?, of task: TaskDefinition, limit: Int?, console: Console
  ) throws -> Fault? {
    try checked(on: rows?.spread(Self.sampleSize), of: task, limit: limit, console: console)?.doubt
  }

  /// How a teacher does on validation rows, with that doubt; nil where no row says what is right.
  func checked(
    on rows: TaskExamples?, of task: TaskDefinition, limit: Int?, console: Console
  ) throws -> (result: EvaluationResult, doubt: Fault?)? {
    guard let rows, rows.labelledCount > 0 else { return nil }
    let order = try LabelOrder(model: model, path: path, task: task)
    let encoded = try encode(rows, of: task, limit: limit)
    let progress = ProgressDisplay(console)
    defer { progress.finishLine() }
    let evaluation = try evaluateTask(
      model, encoded, outputs: order.outputs,
      progress: { progress.show("Checking the teacher", done: $0, total: encoded.examples.count) })
    return (evaluation.result, DistillationGuards.teacherAtChance(path, evaluation, on: encoded))
  }
}

extension TaskExamples {
  /// At most so many rows, evenly spread over all, since files are often sorted by label.
  fileprivate func spread(_ count: Int) -> TaskExamples {
    func spread<Row>(_ rows: [Row]) -> [Row] {
      rows.count <= count ? rows : (0..<count).map { rows[$0 * rows.count / count] }
    }
    switch self {
    case .texts(let rows): return .texts(spread(rows))
    case .sentences(let rows): return .sentences(spread(rows))
    case .questions(let rows): return .questions(spread(rows))
    }
  }
}
