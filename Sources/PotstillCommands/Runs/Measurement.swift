import Distillation
import Encoders
import Foundation
import ModelFormats
import TaskData
import Tasks
import Tensors
import Tokenization
import Training

/// Size, speed and score of one model on some data.
struct Measurement {
  /// What the row is called.
  let name: String
  /// The number of layers.
  let layers: Int
  /// The number of parameters.
  let parameters: Int
  /// Sentences a second in batches; nil when it was not measured.
  let samplesPerSecond: Double?
  /// Milliseconds for one sentence alone, the median; nil when it was not measured.
  let latency: Double?
  /// The scores and answers behind it; nil for a measurement made elsewhere.
  let evaluation: TaskEvaluation?
  /// The task's metrics.
  let metrics: [(name: String, value: Double)]

  /// A measurement made elsewhere.
  init(
    name: String, layers: Int, parameters: Int, samplesPerSecond: Double?, latency: Double?,
    metrics: [(name: String, value: Double)], evaluation: TaskEvaluation? = nil
  ) {
    self.evaluation = evaluation
    self.name = name
    self.layers = layers
    self.parameters = parameters
    self.samplesPerSecond = samplesPerSecond
    self.latency = latency
    self.metrics = metrics
  }

  /// What a cache knows of the teacher that built it.
  ///
  /// - Parameter metrics: The scores to look for.
  /// - Throws: `ModelError.configuration`.
  init(of teacher: TeacherCacheDescription, _ metrics: [String]) throws {
    self.init(
      name: teacher.teacherName, layers: try teacher.config().layerCount,
      parameters: teacher.parameterCount, samplesPerSecond: nil, latency: nil,
      metrics: metrics.compactMap { name in
        teacher.teacherResults["eval_" + name]?.doubleValue.map { (name, $0) }
      })
  }

  /// Measures a model; the first sentences run once before the clock starts.
  init(of folder: TokenizedModel, on data: EvaluationData, console: Console) throws {
    let encoded = try folder.encode(data.examples.prefix(60), of: data.task).examples.prefix(60)
    var times: [Double] = []
    for (index, example) in encoded.enumerated() {
      let batch = LabeledBatch([example], at: [0]).tokens
      let start = ContinuousClock.now
      _ = folder.model(batch, in: .inference).logits.values
      // The first ten warm caches and pools up.
      if index >= min(10, encoded.count / 2) { times.append((ContinuousClock.now - start) / .seconds(1)) }
    }
    let evaluation = try data.evaluate(folder, console: console)
    self.init(
      name: folder.path, layers: folder.model.config.layerCount, parameters: folder.model.parameterCount,
      samplesPerSecond: evaluation.result.json["eval_samples_per_second"]?.doubleValue,
      latency: times.sorted()[times.count / 2] * 1000, metrics: evaluation.result.metrics,
      evaluation: evaluation)
  }

  /// Writes `eval_results.json` and the answers into a run folder; nothing of a measurement made elsewhere.
  func write(to log: RunLog) throws {
    guard let evaluation else { return }
    try log.writeResults("eval", evaluation.result.json)
    try evaluation.writePredictions(to: log.directory, prefix: "eval")
  }

  /// The row for machines.
  func json(comparedWith first: Measurement) -> JSONObject {
    var object = JSONObject()
    object["model"] = .string(name)
    object["layers"] = .integer(layers)
    object["parameters"] = .integer(parameters)
    object["mb"] = .double((Double(4 * parameters) / 1_048_576 * 100).rounded() / 100)
    object["samples_per_second"] = samplesPerSecond.map { .double(($0 * 10).rounded() / 10) }
    object["latency_ms"] = latency.map { .double(($0 * 1000).rounded() / 1000) }
    object["speedup"] = speedup(over: first).map { .double(($0 * 100).rounded() / 100) }
    for metric in metrics { object["eval_" + metric.name] = .double(metric.value) }
    return object
  }

  /// How many times as fast as another; nil unless both were measured.
  private func speedup(over other: Measurement) -> Double? {
    guard let samplesPerSecond, let base = other.samplesPerSecond else { return nil }
    return samplesPerSecond / base
  }

  /// The table for people; the speed-up is against the first row, and what no row knows has no column.
  static func table(_ rows: [Measurement]) -> TextTable {
    guard let first = rows.first, let metrics = rows.map(\.metrics).max(by: { $0.count < $1.count }) else {
      return TextTable([])
    }
    var columns: [TextTable.Column] = [
      .text("model"), .number("layers"), .number("parameters"), .number("MB"), .number("sentences/s"),
    ]
    let hasLatency = rows.contains { $0.latency != nil }
    if hasLatency { columns.append(.number("ms/sentence")) }
    let hasSpeedup = first.samplesPerSecond != nil
    if hasSpeedup { columns.append(.number("speed-up")) }
    columns += metrics.map { .number($0.name) }
    var table = TextTable(columns)
    for row in rows {
      var cells = [
        row.name, String(row.layers), grouped(row.parameters), megabytes(4 * row.parameters),
        row.samplesPerSecond.map { grouped(Int($0.rounded())) } ?? "",
      ]
      if hasLatency { cells.append(row.latency.map { String(format: "%.2f", $0) } ?? "") }
      if hasSpeedup { cells.append(row.speedup(over: first).map { String(format: "%.2f×", $0) } ?? "") }
      cells += metrics.map { metric in
        row.metrics.first { $0.name == metric.name }.map { String(format: "%.4f", $0.value) } ?? ""
      }
      table.add(cells)
    }
    return table
  }
}
