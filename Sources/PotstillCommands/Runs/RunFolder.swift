import Distillation
import Encoders
import Foundation
import ModelFormats
import Training

/// The run folder while a model is trained into it.
struct RunFolder {
  /// Writes metrics and results.
  let log: RunLog
  private let folder: OutputFolder

  /// Makes the folder and writes the recipe; nil writes none, for a folder inside that of a run.
  init(_ folder: OutputFolder, recipe: String?) throws {
    try folder.create()
    if let recipe { try folder.write(recipe, as: "recipe.yaml") }
    self.folder = folder
    log = try RunLog(folder.url)
  }

  /// Where resumable checkpoints go; nil when none were asked for, so that the best weights stay in memory.
  func checkpoints(of classifier: ModelFolder, _ config: TrainingConfig) -> CheckpointFolder? {
    if config.saveStrategy == .never { return nil }
    return CheckpointFolder(folder.url) { try classifier.save(to: $0) }
  }

  /// Writes the trained model and the last evaluation; returns everything in `all_results.json`.
  func finish(_ classifier: ModelFolder, evaluation: EvaluationResult?) throws -> JSONObject {
    try classifier.save(to: folder.url)
    if let evaluation { try log.writeResults("eval", evaluation.json) }
    return try results()
  }

  /// Everything in `all_results.json`.
  func results() throws -> JSONObject {
    try JSONValue(contentsOf: folder.url.appending(path: "all_results.json")).objectValue ?? JSONObject()
  }
}

extension RunLog {
  /// Writes how student and teachers compare, and the student without a teacher if there is one, to
  /// `compare_results.json` and `all_results.json`; further teachers as `teacher_2_…`.
  func writeComparison(
    teacher: Measurement, others: [Measurement] = [], baseline: Measurement? = nil, student: Measurement
  ) throws {
    var object = JSONObject()
    object["teacher_parameters"] = .integer(teacher.parameters)
    object["student_parameters"] = .integer(student.parameters)
    object["speedup"] = student.json(comparedWith: teacher)["speedup"]
    for metric in teacher.metrics { object["teacher_eval_" + metric.name] = .double(metric.value) }
    for (index, other) in others.enumerated() {
      object["teacher_\(index + 2)_parameters"] = .integer(other.parameters)
      for metric in other.metrics {
        object["teacher_\(index + 2)_eval_" + metric.name] = .double(metric.value)
      }
    }
    for metric in baseline?.metrics ?? [] { object["baseline_eval_" + metric.name] = .double(metric.value) }
    try writeResults("compare", object)
  }

  /// Writes the scores of a pre-trained student's teacher likewise.
  func writeComparison(teacher: TaskModel, _ evaluation: EvaluationResult, student: TaskModel) throws {
    var object = JSONObject()
    object["teacher_parameters"] = .integer(teacher.parameterCount)
    object["student_parameters"] = .integer(student.parameterCount)
    object["teacher_eval_loss"] = evaluation.loss.map { .double($0) }
    for metric in evaluation.metrics { object["teacher_eval_" + metric.name] = .double(metric.value) }
    try writeResults("compare", object)
  }
}
