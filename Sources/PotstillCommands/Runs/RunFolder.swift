import Distillation
import Encoders
import Foundation
import ModelFormats
import Tasks
import Training

/// The run folder while a model is trained into it.
struct RunFolder {
  /// Writes metrics and results.
  let log: RunLog
  /// Clears away what an older run left and writes the recipe once the run begins; the first of its observers.
  let beginning: RunBeginning
  private let folder: OutputFolder
  /// Held until the run is over; nil for a folder inside that of a run.
  private let lock: FolderLock?

  /// Makes and locks the folder; what an older run left stays until the run begins, since a run that is refused changes
  /// nothing.
  ///
  /// - Parameters:
  ///   - folder: The folder, which the user gave free where it holds files.
  ///   - recipe: The options that are really used.
  ///   - point: Where the run goes on from; nil for one that begins, which leaves nothing of an older one.
  ///   - inputs: What the run reads; it is never removed.
  ///   - members: Folders inside this one that hold results of the run, of several tasks.
  init(
    _ folder: OutputFolder, recipe: String, resuming point: ResumePoint?, inputs: [String],
    members: [URL] = []
  ) throws {
    try folder.create()
    lock = try FolderLock(folder.url)
    let older = folder.isReused ? ([folder.url] + members).map { OlderRun($0) } : []
    if point == nil { for run in older { try run.check(inputs: inputs) } }
    beginning = RunBeginning {
      for run in older { try run.remove(keepsCheckpoints: point != nil, inputs: inputs) }
      try folder.write(recipe, as: "recipe.yaml")
    }
    self.folder = folder
    log = try RunLog(folder.url)
  }

  /// The folder of a part of a run inside its own, of the first stage or the baseline.
  init(part url: URL, resuming point: ResumePoint?, members: [URL] = []) throws {
    let folder = try OutputFolder(url.relativePath, overwrite: true)
    lock = nil
    beginning = RunBeginning {
      // The beginning of the whole run may have removed it with what an older run left there.
      try folder.create()
      for older in [url] + members { try OlderRun(older).remove(keepsCheckpoints: point != nil) }
    }
    self.folder = folder
    log = try RunLog(url)
  }

  /// Where resumable checkpoints go: those that the settings ask for, and that of a run that is interrupted.
  func checkpoints(of trained: TokenizedModel, origin: RunOrigin) -> CheckpointFolder {
    CheckpointFolder(folder.url, origin: origin) { try trained.save(to: $0) }
  }

  /// Gives the folder free for other runs.
  func release() { lock?.release() }

  /// Writes the trained model and the last evaluation; returns everything in `all_results.json`.
  func finish(_ classifier: TokenizedModel, evaluation: EvaluationResult?) throws -> JSONObject {
    try classifier.save(to: folder.url)
    if let evaluation { try log.writeResults("eval", evaluation.json) }
    return try results()
  }

  /// Everything in `all_results.json`.
  func results() throws -> JSONObject {
    try JSONValue(contentsOf: folder.url.appending(path: "all_results.json")).objectValue ?? JSONObject()
  }
}

/// An observer that does something once, when training begins or goes on.
final class RunBeginning: TrainingObserver {
  private var work: (() throws -> Void)?

  /// An observer with its work.
  init(_ work: @escaping () throws -> Void) { self.work = work }

  func started(totalSteps: Int, startStep: Int, totalEpochs: Double, examples: Int) throws {
    try work?()
    work = nil
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
