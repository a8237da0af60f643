import Datasets
import Distillation
import Evaluation
import Foundation
import ModelFormats
import Tasks
import Terminal
import Training

extension Console {
  /// Prints the plan of a job.
  func result(_ prepared: PreparedJob, lines: [String], json: Bool, warnings: [Fault]) {
    let shown = lines.flatMap { planLines($0, on: output) }
    result(json ? prepared.plan.json.prettyText : shown.joined(separator: "\n"))
    for warning in warnings { warn("\(warning)") }
  }

  /// Notes the plan of a job and runs it; signals end it with a checkpoint.
  func run(
    _ prepared: PreparedJob, recipe: String, inputs: [String], showsPlan: Bool = true
  ) throws -> JobResult {
    if showsPlan { for line in prepared.plan.lines { planLines(line, on: messages).forEach(note) } }
    for warning in prepared.plan.warnings + prepared.warnings { warn("\(warning)") }
    let watch = SignalWatch { [self] in note($0) }
    watch.start()
    defer { watch.stop() }
    return try prepared.run(observers: [TrainingView(self), watch], recipe: recipe, inputs: inputs)
  }

  /// Prints results with tables of models below, each under its task's name where there are several.
  func result(_ job: JobResult, json: Bool, titles: Bool = false) {
    if json { return result(JSONValue.object(job.results).prettyText) }
    result(ResultTable.of(job.results))
    for (name, rows) in job.tables {
      result(titles ? "\n\(name)" : "")
      result(ModelMeasurement.table(rows))
    }
  }
}

extension JobTask {
  /// A task as its reader reads it.
  init(_ reader: TaskReader, name: String? = nil) {
    self.init(reader.task, data: reader.folder.relativePath, name: name)
    skipsBadRows = reader.badRows == .skip
  }
}

extension SignalWatch {
  /// The exit code of a run that a signal broke off, 128 and the signal's number, as a shell reports it; nil when no signal
  /// was the reason.
  static func exitCode(of error: any Error) -> Int32? {
    guard caughtSignal != 0 else { return nil }
    if case TrainingError.interrupted = error { return 128 + caughtSignal }
    return error is JobInterruption ? 128 + caughtSignal : nil
  }
}
