public import Datasets
public import Encoders
import Evaluation
import Foundation
public import Tensors
public import Tokenization
public import Training

/// Runs a classifier over a data set without recording anything, and scores it.
///
/// - Parameters:
///   - model: The classifier.
///   - examples: The data set; examples without a label are answered but not scored.
///   - metrics: The names of the metrics, as `ClassificationMetrics` knows them.
///   - batch: How much a batch holds; batches are sorted by length, which does not change the answers.
///   - progress: Told of the examples done after each batch.
/// - Throws: `EvaluationError` for a metric that is not known.
public func evaluateClassifier(
  _ model: TaskModel, _ examples: [EncodedExample], metrics: [String] = ["accuracy"],
  batch: BatchSize = .tokens(4096), progress: (_ done: Int) -> Void = { _ in }
) throws -> ClassifierEvaluation {
  try evaluateClassifier(examples, metrics: metrics, batch: batch, progress: progress) {
    model($0, in: $1).logits
  }
}

/// Runs any model that gives one row of logits a sequence over a data set, and scores it.
///
/// - Parameters:
///   - examples: The data set; examples without a label are answered but not scored.
///   - metrics: The names of the metrics, as `ClassificationMetrics` knows them.
///   - batch: How much a batch holds.
///   - progress: Told of the examples done after each batch.
///   - forward: The forward pass, [sequences, labels].
/// - Throws: `EvaluationError` for a metric that is not known, and what `forward` throws.
public func evaluateClassifier(
  _ examples: [EncodedExample], metrics: [String] = ["accuracy"], batch: BatchSize = .tokens(4096),
  progress: (_ done: Int) -> Void = { _ in }, forward: (TokenBatch, Context) throws -> Tensor
) throws -> ClassifierEvaluation {
  let clock = ContinuousClock.now
  var rows = [[Float]](repeating: [], count: examples.count)
  var done = 0
  for indices in examples.isEmpty ? [] : BatchSampler(examples, size: batch).evaluationBatches() {
    let logits = try forward(Batch(examples, at: indices).tokens, .inference)
    let (values, width) = (logits.values, logits.shape.lastDimension)
    precondition(
      values.count == indices.count * width,
      "A classifier gives one row of logits a sequence; found \(logits.shape) for \(indices.count) sequences."
    )
    for (row, index) in indices.enumerated() { rows[index] = Array(values[row * width..<(row + 1) * width]) }
    done += indices.count
    progress(done)
  }
  let width = rows.first?.count ?? 0
  let logits = rows.flatMap { $0 }
  let predictions = width > 0 ? ClassificationMetrics.predictions(logits: logits, classCount: width) : []
  let labels = examples.map(\.label)
  let isLabelled = labels.contains { $0 >= 0 }
  let scores =
    isLabelled ? try ClassificationMetrics.compute(metrics, predictions: predictions, labels: labels) : []
  return ClassifierEvaluation(
    result: EvaluationResult(
      loss: isLabelled ? meanCrossEntropy(rows, labels) : nil, metrics: scores, examples: examples.count,
      runtime: (ContinuousClock.now - clock) / .seconds(1)),
    logits: logits, predictions: predictions, labelCount: width,
    tokens: examples.reduce(0) { $0 + $1.length })
}

/// The mean of log Σ exp z - z_label over the labelled rows, in double precision.
private func meanCrossEntropy(_ rows: [[Float]], _ labels: [Int32]) -> Double {
  var total = 0.0
  var count = 0
  for (row, label) in zip(rows, labels) where label >= 0 {
    precondition(Int(label) < row.count, "Label \(label) does not exist among \(row.count) logits.")
    let highest = Double(row.max() ?? 0)
    total += highest + log(row.reduce(0) { $0 + exp(Double($1) - highest) }) - Double(row[Int(label)])
    count += 1
  }
  return total / Double(max(1, count))
}

/// Evaluation of a classifier: what it answered to a data set, and how good the answers are.
public struct ClassifierEvaluation: Sendable {
  /// Loss, metrics, count and time.
  public let result: EvaluationResult
  /// The logits in the order of the data set, row-major [N, labels].
  public let logits: [Float]
  /// The most likely class of each example [N].
  public let predictions: [Int32]
  /// The number of logits a row.
  public let labelCount: Int
  /// The tokens of the data set; none is padding.
  public let tokens: Int

  /// The mean cross-entropy over the labelled examples, nil when there are none.
  public var loss: Double? { result.loss }
  /// The metrics asked for, in that order; none when no example has a label.
  public var metrics: [Score] { result.metrics }
}
