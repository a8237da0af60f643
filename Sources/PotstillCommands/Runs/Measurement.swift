import Encoders
import Foundation
import ModelFormats
import TaskData
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
  /// Sentences a second in batches.
  let samplesPerSecond: Double
  /// Milliseconds for one sentence alone, the median; nil when it was not measured.
  let latency: Double?
  /// The members of `eval_results.json`; empty for a measurement made elsewhere.
  let evaluation: JSONObject
  /// The answers; nil for a measurement made elsewhere.
  let predictions: TaskPredictions?
  /// The task's metrics.
  let metrics: [(name: String, value: Double)]

  /// A measurement made elsewhere.
  init(
    name: String, layers: Int, parameters: Int, samplesPerSecond: Double, latency: Double?,
    metrics: [(name: String, value: Double)], evaluation: JSONObject = JSONObject(),
    predictions: TaskPredictions? = nil
  ) {
    self.evaluation = evaluation
    self.predictions = predictions
    self.name = name
    self.layers = layers
    self.parameters = parameters
    self.samplesPerSecond = samplesPerSecond
    self.latency = latency
    self.metrics = metrics
  }

  /// Measures a model; the first sentences run once before the clock starts.
  init(of folder: ModelFolder, on data: EvaluationData, console: Console) throws {
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
      samplesPerSecond: evaluation.result.json["eval_samples_per_second"]?.doubleValue ?? 0,
      latency: times.sorted()[times.count / 2] * 1000, metrics: evaluation.result.metrics,
      evaluation: evaluation.result.json, predictions: evaluation.predictions)
  }

  /// The row for machines.
  func json(comparedWith first: Measurement) -> JSONObject {
    var object = JSONObject()
    object["model"] = .string(name)
    object["layers"] = .integer(layers)
    object["parameters"] = .integer(parameters)
    object["mb"] = .double((Double(4 * parameters) / 1_048_576 * 100).rounded() / 100)
    object["samples_per_second"] = .double((samplesPerSecond * 10).rounded() / 10)
    object["latency_ms"] = latency.map { .double(($0 * 1000).rounded() / 1000) }
    object["speedup"] = .double((samplesPerSecond / first.samplesPerSecond * 100).rounded() / 100)
    for metric in metrics { object["eval_" + metric.name] = .double(metric.value) }
    return object
  }

  /// The table for people; the speed-up is against the first row.
  static func table(_ rows: [Measurement]) -> TextTable {
    guard let first = rows.first else { return TextTable([]) }
    var columns: [TextTable.Column] = [
      .text("model"), .number("layers"), .number("parameters"), .number("MB"), .number("sentences/s"),
    ]
    let hasLatency = rows.contains { $0.latency != nil }
    if hasLatency { columns.append(.number("ms/sentence")) }
    columns.append(.number("speed-up"))
    columns += first.metrics.map { .number($0.name) }
    var table = TextTable(columns)
    for row in rows {
      var cells = [
        row.name, String(row.layers), grouped(row.parameters), megabytes(4 * row.parameters),
        grouped(Int(row.samplesPerSecond.rounded())),
      ]
      if hasLatency { cells.append(row.latency.map { String(format: "%.2f", $0) } ?? "") }
      cells.append(String(format: "%.2f×", row.samplesPerSecond / first.samplesPerSecond))
      cells += row.metrics.map { String(format: "%.4f", $0.value) }
      table.add(cells)
    }
    return table
  }
}
