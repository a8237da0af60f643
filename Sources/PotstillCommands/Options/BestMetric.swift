import TaskData
import Tasks

/// What can decide which model of a run is the best, by the names that the run's evaluations give.
struct BestMetric {
  /// The names, without `eval_`.
  let names: [String]

  /// The scores of one task.
  init(of task: TaskDefinition) {
    names = ["loss"] + task.kind.family.decidingScores(of: task)
  }

  /// The scores of several tasks that are learnt together, by the name of each: their mean and each task's own.
  init(of tasks: [(name: String, task: TaskDefinition)]) {
    names =
      ["loss", "average"]
      + tasks.flatMap { name, task in BestMetric(of: task).names.map { "\(name)/\($0)" } }
  }

  /// Checks a name that the user gave, with or without `eval_`.
  ///
  /// - Throws: `CommandError`; the name would otherwise be missed by the first evaluation, after an epoch of training.
  func check(_ name: String) throws {
    let plain = name.hasPrefix("eval_") ? String(name.dropFirst(5)) : name
    guard !names.contains(plain) else { return }
    let reason =
      plain.hasSuffix("_thresh")
      ? "is a threshold, of which neither more nor less is better" : "is not what the evaluation gives"
    throw CommandError(
      "--metric-for-best-model \(name) \(reason); expected one of \(names.joined(separator: ", ")), or a metric that "
        + "the task's file names too")
  }
}
