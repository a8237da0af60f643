public import Datasets
public import Encoders
import Evaluation
import Foundation
import Tensors
import Tokenization
import Training

/// Runs a model over the rows of a task without recording anything, and scores its answers as the official scripts do.
///
/// - Parameters:
///   - model: A model with the head of the task's kind.
///   - data: The rows; those without a label are answered but not scored.
///   - outputs: The model's output for each of the task's outputs, where the model has an order of its own.
///   - batch: How much a batch holds; batches are sorted by length, which does not change the answers.
///   - progress: Told of the examples done after each batch.
/// - Throws: `EvaluationError` for a metric that is not known or cannot be computed.
public func evaluateTask(
  _ model: TaskModel, _ data: EncodedTask, outputs: [Int]? = nil, batch: BatchSize = .tokens(4096),
  progress: (_ done: Int) -> Void = { _ in }
) throws -> TaskEvaluation {
  precondition(
    model.head == data.task.kind.family.head,
    "A model with the head \(model.head) cannot answer a task of the kind \(data.task.kind.rawValue).")
  let clock = ContinuousClock.now
  let answers = ModelAnswers(model, data.examples, outputs: outputs, batch: batch, progress: progress)
  let (predictions, scores) = try data.score(answers.logits)
  return TaskEvaluation(
    result: EvaluationResult(
      loss: answers.loss, metrics: scores, examples: data.rowCount,
      runtime: (ContinuousClock.now - clock) / .seconds(1)),
    predictions: predictions, of: data)
}

/// The logits of each example, and the mean loss of what is labelled.
struct ModelAnswers {
  /// Logits of each example, row-major, [outputs] for sequence heads and [length, outputs] for token heads.
  let logits: [[Float]]
  /// The mean loss, nil when nothing is labelled.
  let loss: Double?

  init(
    _ model: TaskModel, _ examples: [EncodedExample], outputs: [Int]?, batch: BatchSize,
    progress: (_ done: Int) -> Void
  ) {
    let family = model.config.taskFamily
    var rows = [[Float]](repeating: [], count: examples.count)
    var (loss, weight, done) = (0.0, 0, 0)
    for indices in examples.isEmpty ? [] : BatchSampler(examples, size: batch).evaluationBatches() {
      let batch = Batch(examples, at: indices)
      let logits = Self.ordered(model(batch.tokens, in: .inference).logits, by: outputs)
      let targets = family.targets(of: batch)
      let count = targets.count(starts: batch.tokens.starts)
      if count > 0 {
        let mean = targets.loss(logits, starts: batch.tokens.starts)
        loss += Double(mean.item) * Double(count)
        weight += count
      }
      let (values, width) = (logits.values, logits.shape.lastDimension)
      for (row, index) in indices.enumerated() {
        let range = model.head.readsTokens ? batch.tokens.rows(of: row) : row..<row + 1
        rows[index] = Array(values[range.lowerBound * width..<range.upperBound * width])
      }
      done += indices.count
      progress(done)
    }
    logits = rows
    self.loss = weight > 0 ? loss / Double(weight) : nil
  }

  /// Logits with their columns in another order.
  private static func ordered(_ logits: Tensor, by outputs: [Int]?) -> Tensor {
    guard let outputs, outputs != Array(outputs.indices) else { return logits }
    let (values, width) = (logits.values, logits.shape.lastDimension)
    let ordered = stride(from: 0, to: values.count, by: width).flatMap { start in
      outputs.map { values[start + $0] }
    }
    return Tensor(ordered, shape: logits.shape)
  }
}
