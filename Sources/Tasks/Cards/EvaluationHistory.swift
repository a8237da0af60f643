import Foundation
import ModelFormats

/// History of a run's evaluations, as `metrics.jsonl` has it: what `transformers`' cards show as training results.
package struct EvaluationHistory: Sendable {
  /// Evaluation of a model that was being trained.
  package struct Entry: Sendable, Equatable {
    /// The mean loss of the last log line so far; nil where there was none yet.
    package let trainingLoss: Double?
    /// The epochs done.
    package let epoch: Double
    /// The updates done.
    package let step: Int
    /// The loss on the validation rows, where it was told.
    package let validationLoss: Double?
    /// The scores by their names.
    package let scores: [String: Double]
  }

  /// Evaluations in order.
  package let entries: [Entry]

  /// The evaluations of a file; none where it cannot be read.
  ///
  /// - Parameters:
  ///   - file: A `metrics.jsonl`.
  ///   - task: The name of one of several tasks, whose scores begin with it; nil where there is one task.
  package init(of file: URL, task: String? = nil) {
    let text = (try? String(contentsOf: file, encoding: .utf8)) ?? ""
    let lines = text.split(separator: "\n").compactMap { try? JSONValue(parsing: String($0)).objectValue }
    let losses = lines.compactMap { line in
      line["step"]?.intValue.flatMap { step in line["loss"]?.doubleValue.map { (step: step, loss: $0) } }
    }
    let prefix = "eval_" + (task.map { $0 + "/" } ?? "")
    entries = lines.compactMap { line in
      guard let step = line["step"]?.intValue, let epoch = line["epoch"]?.doubleValue,
        line["eval_samples"] != nil
      else { return nil }
      var scores: [String: Double] = [:]
      for (key, value) in line where key.hasPrefix(prefix) {
        scores[String(key.dropFirst(prefix.count))] = value.doubleValue
      }
      return Entry(
        trainingLoss: losses.last { $0.step <= step }?.loss, epoch: epoch, step: step,
        validationLoss: scores["loss"] ?? line["eval_loss"]?.doubleValue, scores: scores)
    }
  }

  /// The evaluations as a table.
  ///
  /// - Parameter metrics: The names of the scores to show.
  func table(of metrics: [String]) -> String {
    let shown = metrics.filter { name in entries.contains { $0.scores[name] != nil } }
    let header = ["Training Loss", "Epoch", "Step", "Validation Loss"] + shown.map(CardMetric.title)
    let rows = entries.map { entry in
      [
        entry.trainingLoss.map(CardMetric.rounded) ?? "No log", CardMetric.rounded(entry.epoch),
        "\(entry.step)", entry.validationLoss.map(CardMetric.rounded) ?? "",
      ] + shown.map { entry.scores[$0].map(CardMetric.rounded) ?? "" }
    }
    return Markdown.table(header, rows, leading: 0)
  }
}

/// Metric as cards name it.
package enum CardMetric {
  /// The name for people: `F1 macro` for `f1_macro`.
  static func title(_ name: String) -> String {
    let words = name.replacing("_", with: " ")
    return words.prefix(1).uppercased() + words.dropFirst()
  }

  /// The name of the metric on the Hugging Face hub: `f1` for `overall_f1` and `f1_macro`.
  static func type(_ name: String) -> String {
    let plain = name.hasPrefix("overall_") ? String(name.dropFirst("overall_".count)) : name
    return switch plain {
    case "f1_macro", "f1_micro": "f1"
    case "pearson": "pearsonr"
    case "exact": "exact_match"
    case let other: other
    }
  }

  /// A number of at most four digits behind the point.
  static func rounded(_ value: Double) -> String { "\((value * 10_000).rounded() / 10_000)" }
}
