import Datasets
import Encoders
import Tasks
import Tokenization
import Training

/// Rows of a task as models read them, tokenized once for each tokenizer and length.
final class TokenizedRows {
  /// Rows as one tokenizer cuts them at some length.
  final class Reading {
    /// The encoded rows.
    let data: EncodedTask
    fileprivate let tokenizer: String
    fileprivate let limit: Int

    fileprivate init(_ data: EncodedTask, tokenizer: String, limit: Int) {
      (self.data, self.tokenizer, self.limit) = (data, tokenizer, limit)
    }

    /// The longest example.
    fileprivate var longest: Int { data.examples.map(\.length).max() ?? 0 }

    /// Whether a model with that tokenizer reads the same at another length, since nothing was cut.
    fileprivate func serves(_ other: Int) -> Bool {
      if other == limit { return true }
      guard case .texts = data.places else { return false }
      return longest < limit && longest <= other
    }
  }

  /// The rows.
  let rows: TaskExamples
  private let task: TaskDefinition
  private let split: String
  private let listener: any WorkListener
  private var readings: [Reading] = []

  /// Rows of a split that nobody has read yet.
  init(_ rows: TaskExamples, of task: TaskDefinition, split: String, listener: any WorkListener) {
    (self.rows, self.task, self.split, self.listener) = (rows, task, split, listener)
  }

  /// The rows as a model reads them.
  ///
  /// - Parameters:
  ///   - model: The model.
  ///   - tokenizer: A fingerprint of its tokenizer.
  ///   - limit: The longest input; nil leaves it to model and task.
  func reading(of model: TokenizedModel, tokenizer: String, limit: Int? = nil) throws -> Reading {
    let limit = limit ?? model.lengthLimit(task.maxSequenceLength)
    if let known = readings.first(where: { $0.tokenizer == tokenizer && $0.serves(limit) }) {
      try TokenizedModel.checkPairs(
        rows, config: model.model.config, tokenizer: model.tokenizer, path: model.path)
      return known
    }
    listener.counted(.tokenized(split: split, reader: tokenizer))
    let reading = Reading(
      try model.encode(rows, of: task, limit: limit), tokenizer: tokenizer, limit: limit)
    readings.append(reading)
    return reading
  }

  /// A sample of at most so many rows, evenly spread over all, since files are often sorted by label.
  ///
  /// - Returns: The encoded rows; all of them where there are no more.
  func sample(_ count: Int, as reading: Reading, of model: TokenizedModel) throws -> EncodedTask {
    guard rows.count > count else { return reading.data }
    if case .texts = reading.data.places {
      let places = (0..<count).map { $0 * rows.count / count }
      return EncodedTask(
        places.map { reading.data.examples[$0] }, task: task,
        rowNumbers: places.map { reading.data.rowNumbers[$0] })
    }
    return try model.encode(rows.evenSample(count), of: task, limit: reading.limit)
  }
}

/// Memory of a run's evaluations, so that no rows are answered again with the same weights.
final class EvaluationMemory: TrainingObserver {
  private var latest: TaskEvaluation?
  private var last: (step: Int, evaluation: TaskEvaluation)?
  private var best: (step: Int, evaluation: TaskEvaluation)?

  /// Takes the evaluation that is being made; returns its scores for the loop.
  func keep(_ evaluation: TaskEvaluation) -> EvaluationResult {
    latest = evaluation
    return evaluation.result
  }

  func evaluated(_ result: EvaluationResult, step: Int, epoch: Double, isBest: Bool) {
    guard let latest else { return }
    last = (step, latest)
    if isBest { best = last }
    self.latest = nil
  }

  /// The evaluation of the weights that a run ended with; nil where it made none of them.
  func evaluation(after summary: TrainingSummary) -> TaskEvaluation? {
    if summary.holdsBestWeights { return best.flatMap { $0.step == summary.bestStep ? $0.evaluation : nil } }
    return last.flatMap { $0.step == summary.globalStep ? $0.evaluation : nil }
  }
}
