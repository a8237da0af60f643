import Distillation
import Evaluation
import Foundation
import ModelFormats
import Tasks
import Training

/// View of a run on the console: the progress bar, evaluations, messages.
package final class TrainingView: JobObserver {
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

  /// A view on a console.
  ///
  /// - Parameter barOnly: Whether evaluations and messages are left out.
  package init(_ console: Console, barOnly: Bool = false) {
    self.console = console
    display = ProgressDisplay(console)
    showsBarOnly = barOnly
  }

  package func began(_ part: JobPart) {
    // Each training has a clock of its own.
    display = ProgressDisplay(console)
    title = part == .features ? "Features, epoch" : "Epoch"
    (moving, score) = (nil, nil)
  }

  package func stepDone(_ progress: TrainingProgress) {
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

  package func logged(_ entry: TrainingLogEntry) {
    moving = entry.parts.last { $0.name.hasSuffix("kd_kl_divergence") }.map {
      ("kl", String(format: "%.3g", $0.value))
    }
  }

  package func evaluated(_ result: EvaluationResult, step: Int, epoch: Double, isBest: Bool) {
    score = result.metrics.first.map { ($0.name, String(format: "%.4f", $0.value)) }
    if showsBarOnly { return }
    let scores = result.names.map { name in
      "\(name) \(String(format: "%.4f", result.value(name) ?? .nan))"
    }
    display.note(
      String(format: "epoch %.2f, step \(step): ", epoch) + scores.joined(separator: ", ")
        + (isBest ? " (best so far)" : ""))
  }

  package func message(_ text: String) {
    if !showsBarOnly { display.note(text) }
  }

  package func warning(_ text: String) {
    display.finishLine()
    console.warn(text)
  }

  package func finished(_ summary: TrainingSummary) { display.finishLine() }
}
