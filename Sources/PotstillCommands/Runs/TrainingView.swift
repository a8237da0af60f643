import Datasets
import Distillation
import Evaluation
import Foundation
import ModelFormats
import Tasks
import Terminal
import Training

/// View of a run on the console: the progress bar, evaluations, messages.
final class TrainingView: JobObserver {
  private let console: Console
  private var display: ProgressDisplay

  /// Whether only the bar is shown, without evaluations and messages.
  private let showsBarOnly: Bool

  /// The part of the loss that shows whether a student learns, in the last line of the log; nil where there is none.
  private var moving: (name: String, value: String)?
  /// The first score of the last evaluation.
  private var score: (name: String, value: String)?

  /// The word before the number of the epoch.
  private var title = "Epoch"

  init(_ console: Console, barOnly: Bool = false) {
    self.console = console
    display = ProgressDisplay(console)
    showsBarOnly = barOnly
  }

  func began(_ part: JobPart) {
    // Each training has a clock of its own.
    display = ProgressDisplay(console)
    title = part == .features ? "Features, epoch" : "Epoch"
    (moving, score) = (nil, nil)
  }

  func stepDone(_ progress: TrainingProgress) {
    let epochs = max(1, Int(progress.totalEpochs.rounded(.up)))
    let steps = Double(progress.totalSteps) / max(progress.totalEpochs, 1e-9)
    let epoch = min(epochs - 1, Int((Double(progress.step - 1) / steps).rounded(.down)))
    let before = Int((Double(epoch) * steps).rounded())
    let end = min(progress.totalSteps, Int((Double(epoch + 1) * steps).rounded()))
    // Of a loss that is a cross-entropy with a teacher, only the divergence moves.
    var values = [moving ?? ("loss", String(format: "%.3g", progress.loss))]
    if let score { values.append(score) }
    if epochs > 1 { values.append(("run", ProgressLine.clock(progress.secondsLeft) + " left")) }
    display.show(
      "\(title) \(epoch + 1)/\(epochs)", done: progress.step - before, total: max(1, end - before),
      values: values)
  }

  func logged(_ entry: TrainingLogEntry) {
    moving = entry.parts.last { $0.name.hasSuffix("kd_kl_divergence") }.map {
      ("kl", String(format: "%.3g", $0.value))
    }
  }

  func evaluated(_ result: EvaluationResult, step: Int, epoch: Double, isBest: Bool) {
    score = result.metrics.first.map { ($0.name, String(format: "%.4f", $0.value)) }
    if showsBarOnly { return }
    let scores = result.names.map { name in
      "\(name) \(String(format: "%.4f", result.value(name) ?? .nan))"
    }
    display.note(
      String(format: "epoch %.2f, step \(step): ", epoch) + scores.joined(separator: ", ")
        + (isBest ? " (best so far)" : ""))
  }

  func message(_ text: String) {
    if !showsBarOnly { display.note(text) }
  }

  func warning(_ text: String) {
    display.finishLine()
    console.warn(text)
  }

  func finished(_ summary: TrainingSummary) { display.finishLine() }
}

extension Console {
  /// Prints the plan of a job.
  func result(_ prepared: PreparedJob, lines: [String], json: Bool, warnings: [Fault]) {
    result(json ? prepared.plan.json.prettyText : lines.joined(separator: "\n"))
    for warning in warnings { warn("\(warning)") }
  }

  /// Notes the plan of a job and runs it; signals end it with a checkpoint.
  func run(
    _ prepared: PreparedJob, recipe: String, inputs: [String], showsPlan: Bool = true
  ) throws -> JobResult {
    if showsPlan { for line in prepared.plan.lines { note(line) } }
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
