import Distillation
import Encoders
import Evaluation
import Foundation
import ModelFormats
import Tasks
import Training

/// Card of a model that a compression has made.
struct CompressionCard {
  let job: CompressionJob
  /// The point of the model itself.
  let whole: CompressionPoint

  /// Writes the card of a point into its folder, unless that has a `README.md` of the user's.
  ///
  /// - Parameters:
  ///   - point: The point.
  ///   - model: Its model.
  ///   - evaluation: Its scores.
  ///   - folder: Its folder.
  /// - Throws: `FormatError.cannotWrite`.
  func write(_ point: CompressionPoint, _ model: TaskModel, _ evaluation: EvaluationResult?, to folder: URL)
    throws(FormatError)
  {
    let task = job.distillation.tasks[0].definition
    let isDistilled = job.distils && point.steps.contains { $0 != "int8" }
    let title = CardModel.lastPart(of: folder.path)
    let base = CardModel(job.model)
    var facts = CardFacts(
      title: title, task: task, config: model.config,
      training: isDistilled ? job.distillation.training : nil)
    facts.isQuantized = model.isQuantized
    facts.bases = [base]
    facts.tags = ["compression"] + (isDistilled ? ["distillation"] : []) + (model.isQuantized ? ["int8"] : [])
    facts.introduction = [made(point, title, base, isDistilled), sizes(point)]
    facts.plan = point.steps + point.notes
    facts.evaluation = evaluation
    facts.comparison = [(base.name, whole), (title, point)].map { ($0, ModelMeasurement($1, named: $0)) }
    facts.history =
      isDistilled ? EvaluationHistory(of: folder.appending(path: "metrics.jsonl"), task: nil) : nil
    try ModelCard(facts).write(to: folder)
  }

  private func made(_ point: CompressionPoint, _ title: String, _ base: CardModel, _ isDistilled: Bool)
    -> String
  {
    let task = job.distillation.tasks[0]
    let about = task.definition.summary.map { " (\(Markdown.text($0)))" } ?? ""
    let teachers = task.teachers.compactMap(\.path).map { CardModel($0).link }.joined(separator: " and ")
    let learnt = isDistilled ? " After each cut it was distilled from \(teachers)." : ""
    return
      "\(Markdown.code(title)) is \(base.link), made smaller with Potstill for the task \(Markdown.text(task.name))\(about): "
      + point.steps.map(Markdown.code).joined(separator: ", ") + "." + learnt
  }

  private func sizes(_ point: CompressionPoint) -> String {
    func sizes(_ point: CompressionPoint) -> String {
      "\(point.layers) layer\(point.layers == 1 ? "" : "s") and \(grouped(point.parameters)) parameters (\(megabytes(point.bytes)) MB)"
    }
    return "It has \(sizes(point)); the model that it was made of has \(sizes(whole))."
  }
}

extension ModelMeasurement {
  /// The size and the scores of a point; its times are those of one machine.
  fileprivate init(_ point: CompressionPoint, named name: String) {
    self.init(
      name: name, layers: point.layers, parameters: point.parameters, bytes: point.bytes,
      samplesPerSecond: nil, latency: nil, metrics: point.scores)
  }
}
