import Encoders
import Foundation
import ModelFormats
import Reports
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
        + "\(grouped(model.parameterCount)) parameters (\(model.weights.text)).",
      "It learnt from \(grouped(counts.training)) sequences\(scored).",
    ]
    facts.tags = teacher == nil ? [] : ["distillation"]
    facts.plan = planLines
    facts.evaluation = evaluation
    facts.history = EvaluationHistory(of: metrics)
    return try ModelCard(facts).write(to: folder)
  }

  /// Writes the report of a pre-trained model; one that cannot be written is a warning.
  ///
  /// - Parameters:
  ///   - folder: The run folder.
  ///   - counts: The number of sequences that it learnt from, and was scored on.
  ///   - student: The model with its scores.
  ///   - teacher: The teacher with its scores; nil without one.
  ///   - listener: Hears a warning.
  func writeReport(
    to folder: URL, counts: (training: Int, validation: Int?),
    student: (model: TaskModel, scores: EvaluationResult?),
    teacher: (model: TaskModel, scores: EvaluationResult?)?, _ listener: any WorkListener
  ) {
    let title = CardModel.lastPart(of: folder.path)
    func facts(
      _ model: TaskModel, _ scores: EvaluationResult?, _ role: RunFacts.Model.Role, _ name: String
    ) -> RunFacts.Model {
      RunFacts.Model(
        ModelMeasurement(
          name: name, layers: model.config.layerCount, parameters: model.parameterCount,
          bytes: model.weights.fileBytes,
          samplesPerSecond: nil, latency: nil, metrics: scores?.metrics ?? []), as: role, named: name)
    }
    let name = self.teacher.map { CardModel($0).name } ?? ""
    let base: String? =
      switch start {
      case .model(let path, _): CardModel(path).name
      case .layers: name
      case .shape: nil
      }
    do {
      try RunFacts(
        title: title, method: .pretraining,
        task: RunFacts.Task(text.task, name: text.task.name, answered: nil), base: base,
        rows: RunFacts.Rows(
          train: counts.training, labelled: counts.training, validation: counts.validation ?? 0),
        models: [teacher.map { facts($0.model, $0.scores, .teacher, name) }].compactMap { $0 }
          + [facts(student.model, student.scores, .student, title)]
      ).write(to: folder)
      try RunReport(of: folder).write()
    } catch {
      listener.warn("the report of \(folder.relativePath) could not be written: \(error)")
    }
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
