import Distillation
import Foundation
import ModelFormats
import Training

/// Shows a run on the console: the progress bar, evaluations, messages.
final class TrainingView: JobObserver {
  private let console: Console
  private var display: ProgressDisplay

  /// Whether only the bar is shown, without evaluations and messages.
  private let showsBarOnly: Bool

  /// What stands before the number of the epoch.
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
  }

  func stepDone(_ progress: TrainingProgress) {
    let epochs = max(1, Int(progress.totalEpochs.rounded(.up)))
    let steps = Double(progress.totalSteps) / max(progress.totalEpochs, 1e-9)
    let epoch = min(epochs - 1, Int((Double(progress.step - 1) / steps).rounded(.down)))
    let before = Int((Double(epoch) * steps).rounded())
    let end = min(progress.totalSteps, Int((Double(epoch + 1) * steps).rounded()))
    display.show(
      "\(title) \(epoch + 1)/\(epochs)", done: progress.step - before, total: max(1, end - before),
      values: [("loss", String(format: "%.3g", progress.loss))])
  }

  func evaluated(_ result: EvaluationResult, step: Int, epoch: Double, isBest: Bool) {
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
