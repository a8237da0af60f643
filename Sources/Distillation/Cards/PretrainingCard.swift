import Encoders
import Foundation
import ModelFormats
import Tasks
import Training

extension PretrainingJob {
  /// Writes the card of a pre-trained model, unless the folder has a `README.md` of the user's.
  ///
  /// - Parameters:
  ///   - model: The model.
  ///   - folder: The folder that it was saved to.
  ///   - counts: The number of sequences that it learnt from, and was scored on.
  ///   - evaluation: Its scores.
  ///   - metrics: The run's `metrics.jsonl`.
  /// - Returns: Whether it was written.
  /// - Throws: `FormatError.cannotWrite`.
  func writeCard(
    of model: TaskModel, to folder: URL, counts: (training: Int, validation: Int?),
    _ evaluation: EvaluationResult?, metrics: URL
  ) throws(FormatError) -> Bool {
    let title = CardModel.lastPart(of: folder.path)
    var facts = CardFacts(title: title, task: text.task, config: model.config, training: training)
    let imitated = teacher.map { CardModel($0) }
    let base: CardModel? =
      switch start {
      case .model(let path, _): CardModel(path)
      case .layers: imitated
      case .shape: nil
      }
    let beginning =
      switch start {
      case .model: base?.link ?? "another model"
      case .layers: "layers of \(base?.link ?? "its teacher")"
      case .shape: "random weights"
      }
    facts.bases = [base].compactMap { $0 }
    let files = text.inputs.map { Markdown.code(CardModel.lastPart(of: $0)) }
    let source = files.count > 3 ? "\(files.count) files" : files.joined(separator: ", ")
    let scored = counts.validation.map { ", and was scored on \(grouped($0))" } ?? ""
    facts.introduction = [
      "\(Markdown.code(title)) is a masked language model, pre-trained with Potstill on the text of \(source)"
        + (imitated.map { ", with \($0.link) as its teacher" } ?? "") + ". It began with \(beginning).",
      "It has \(model.config.layerCount) layers of \(model.config.hiddenSize) features and "
        + "\(grouped(model.parameterCount)) parameters (\(megabytes(4 * model.parameterCount)) MB).",
      "It learnt from \(grouped(counts.training)) sequences\(scored).",
    ]
    facts.tags = teacher == nil ? [] : ["distillation"]
    facts.plan = planLines
    facts.evaluation = evaluation
    facts.history = EvaluationHistory(of: metrics)
    return try ModelCard(facts).write(to: folder)
  }

  /// Settings of what is learnt, a line each.
  private var planLines: [String] {
    var settings = text.task.masking.settings
    if let list = settings["word_list"]?.stringValue {
      settings["word_list"] = .string(CardModel.lastPart(of: list))
    }
    settings["max_seq_length"] = .integer(text.task.maxSequenceLength)
    if teacher != nil {
      for (key, value) in loss.settings { settings[key] = value }
      if !matches.isEmpty { settings["match"] = .array(matches) }
    }
    return settings.map { key, value in "\(key): \(value.stringValue ?? value.compactText)" }
  }
}
