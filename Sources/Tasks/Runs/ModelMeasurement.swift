import Datasets
import Encoders
public import Evaluation
import Foundation
public import ModelFormats
import Tensors
import Tokenization
public import Training

/// Size, speed and score of one model on some data.
public struct ModelMeasurement {
  /// Name of the row.
  public let name: String
  /// The number of layers.
  public let layers: Int
  /// The number of parameters.
  public let parameters: Int
  /// The bytes of its weights in their file.
  public let bytes: Int
  /// Sentences a second in batches; nil when it was not measured.
  public let samplesPerSecond: Double?
  /// Milliseconds for one sentence alone, the median; nil when it was not measured.
  public let latency: Double?
  /// The scores and answers behind it; nil for a measurement made elsewhere.
  public let evaluation: TaskEvaluation?
  /// The task's metrics.
  public let metrics: [Score]

  /// Whether it is of a model, and not of a file of answers.
  public var isModel: Bool { parameters > 0 }

  /// A measurement made elsewhere.
  public init(
    name: String, layers: Int, parameters: Int, bytes: Int? = nil, samplesPerSecond: Double?,
    latency: Double?, metrics: [Score], evaluation: TaskEvaluation? = nil
  ) {
    self.bytes = bytes ?? 4 * parameters
    self.evaluation = evaluation
    self.name = name
    self.layers = layers
    self.parameters = parameters
    self.samplesPerSecond = samplesPerSecond
    self.latency = latency
    self.metrics = metrics
  }

  /// Measures a model; the first sentences run once before the clock starts.
  ///
  /// - Throws: What `EvaluationData.evaluate` throws.
  public init(
    of model: TokenizedModel, on data: EvaluationData, listener: any WorkListener = SilentListener()
  ) throws {
    let encoded = try model.encode(data.examples, of: data.task)
    let latency = Self.latency(of: model.model, on: encoded.examples)
    self.init(
      of: model, latency: latency, try data.evaluate(model, encoded: encoded, listener: listener))
  }

  /// The measurement of a model that was evaluated.
  package init(of model: TokenizedModel, latency: Double, _ evaluation: TaskEvaluation) {
    self.init(
      name: model.path, layers: model.model.config.layerCount, parameters: model.model.parameterCount,
      bytes: model.model.weights.fileBytes,
      samplesPerSecond: evaluation.result.json["eval_samples_per_second"]?.doubleValue, latency: latency,
      metrics: evaluation.result.metrics, evaluation: evaluation)
  }

  /// Milliseconds for one of the first sentences alone, the median.
  package static func latency(of model: TaskModel, on examples: [EncodedExample]) -> Double {
    let sentences = examples.prefix(60)
    var times: [Double] = []
    for (index, example) in sentences.enumerated() {
      let batch = Batch([example], at: [0]).tokens
      let start = ContinuousClock.now
      _ = model(batch, in: .inference).logits.values
      // The first ten warm caches and pools up.
      if index >= min(10, sentences.count / 2) { times.append((ContinuousClock.now - start) / .seconds(1)) }
    }
    return times.sorted()[times.count / 2] * 1000
  }

  /// Writes `eval_results.json` and the answers into a run folder; nothing of a measurement made elsewhere.
  ///
  /// - Throws: `TrainingError.runFolder`.
  public func write(to log: RunLog) throws {
    guard let evaluation else { return }
    try log.writeResults("eval", evaluation.result.json)
    try evaluation.writePredictions(to: log.directory, prefix: "eval")
  }

  /// The row for machines.
  public func json(comparedWith first: ModelMeasurement) -> JSONObject {
    var object = JSONObject()
    object["model"] = .string(name)
    if isModel {
      object["layers"] = .integer(layers)
      object["parameters"] = .integer(parameters)
      object["mb"] = .double((Double(bytes) / 1_048_576 * 100).rounded() / 100)
    }
    object["samples_per_second"] = samplesPerSecond.map { .double(($0 * 10).rounded() / 10) }
    object["latency_ms"] = latency.map { .double(($0 * 1000).rounded() / 1000) }
    object["speedup"] = speedup(over: first).map { .double(($0 * 100).rounded() / 100) }
    for metric in metrics { object["eval_" + metric.name] = .double(metric.value) }
    return object
  }

  /// Speed relative to another model's; nil unless both were measured.
  public func speedup(over other: ModelMeasurement) -> Double? {
    guard let samplesPerSecond, let base = other.samplesPerSecond else { return nil }
    return samplesPerSecond / base
  }
}

extension RunLog {
  /// Writes the comparison of student and teachers, and of the student without a teacher if there is one, to
  /// `compare_results.json` and `all_results.json`; further teachers as `teacher_2_…`; nothing without a teacher.
  ///
  /// - Parameters:
  ///   - teachers: The teachers as their folders hold them.
  ///   - answering: Each as it has answered, where that is another form: `teacher_int8_eval_…`, and `teacher_int8_drop_…` for
  ///     what it lost.
  ///   - baseline: The student without a teacher.
  ///   - student: The student.
  /// - Throws: `TrainingError.runFolder`.
  public func writeComparison(
    teachers: [ModelMeasurement], answering: [ModelMeasurement?] = [], baseline: ModelMeasurement? = nil,
    student: ModelMeasurement
  ) throws {
    guard let first = teachers.first else { return }
    var object = JSONObject()
    if first.isModel { object["teacher_parameters"] = .integer(first.parameters) }
    object["student_parameters"] = .integer(student.parameters)
    object["speedup"] = student.json(comparedWith: first)["speedup"]
    for (index, teacher) in teachers.enumerated() {
      let name = index == 0 ? "teacher_" : "teacher_\(index + 1)_"
      if index > 0, teacher.isModel { object[name + "parameters"] = .integer(teacher.parameters) }
      for metric in teacher.metrics { object[name + "eval_" + metric.name] = .double(metric.value) }
      guard index < answering.count, let small = answering[index] else { continue }
      for metric in small.metrics {
        object[name + "int8_eval_" + metric.name] = .double(metric.value)
        let whole = teacher.metrics.first { $0.name == metric.name }
        object[name + "int8_drop_" + metric.name] = whole.map { .double($0.value - metric.value) }
      }
    }
    for metric in baseline?.metrics ?? [] { object["baseline_eval_" + metric.name] = .double(metric.value) }
    try writeResults("compare", object)
  }

  /// Writes the scores of a pre-trained student's teacher likewise.
  ///
  /// - Throws: `TrainingError.runFolder`.
  package func writeComparison(
    teacher: TaskModel, _ evaluation: EvaluationResult, student: TaskModel
  ) throws {
    var object = JSONObject()
    object["teacher_parameters"] = .integer(teacher.parameterCount)
    object["student_parameters"] = .integer(student.parameterCount)
    object["teacher_eval_loss"] = evaluation.loss.map { .double($0) }
    for metric in evaluation.metrics { object["teacher_eval_" + metric.name] = .double(metric.value) }
    try writeResults("compare", object)
  }
}
