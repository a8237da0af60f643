import Cluster
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
  try evaluateTask(model, data, outputs: outputs, batch: batch, over: SoleRank(), progress: progress)
}

/// Runs a model over the rows of a task like the function of users, each rank over its share of the batches; all ranks have the
/// answers to all rows.
package func evaluateTask(
  _ model: TaskModel, _ data: EncodedTask, outputs: [Int]? = nil, batch: BatchSize = .tokens(4096),
  over ranks: any Communicator, progress: (_ done: Int) -> Void = { _ in }
) throws -> TaskEvaluation {
  precondition(
    model.head == data.task.kind.family.head,
    "A model with the head \(model.head) cannot answer a task of the kind \(data.task.kind.rawValue).")
  let clock = ContinuousClock.now
  let answers = ModelAnswers(
    model, data.examples, outputs: outputs, batch: batch, over: ranks, progress: progress)
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
    over ranks: any Communicator, progress: (_ done: Int) -> Void = { _ in }
  ) {
    let family = model.config.taskFamily
    let batches = examples.isEmpty ? [] : BatchSampler(examples, size: batch).evaluationBatches()
    // The batches do not depend on the ranks, so neither does an answer.
    var (answered, done) = ([BatchAnswer](), 0)
    for indices in stride(from: ranks.rank, to: batches.count, by: ranks.size).map({ batches[$0] }) {
      let batch = Batch(examples, at: indices)
      let logits = Self.ordered(model(batch.tokens, in: .inference).logits, by: outputs)
      let targets = family.targets(of: batch)
      let count = targets.count(starts: batch.tokens.starts)
      answered.append(
        BatchAnswer(
          loss: count > 0 ? targets.loss(logits, starts: batch.tokens.starts).item : 0, count: count,
          width: logits.shape.lastDimension, logits: logits.values))
      done += indices.count
      progress(done)
    }
    var rows = [[Float]](repeating: [], count: examples.count)
    var (loss, weight) = (0.0, 0)
    for (answer, indices) in zip(BatchAnswer.gather(answered, of: batches.count, over: ranks), batches) {
      if answer.count > 0 {
        loss += Double(answer.loss) * Double(answer.count)
        weight += answer.count
      }
      var start = 0
      for index in indices {
        let length = (model.head.readsTokens ? examples[index].length : 1) * answer.width
        rows[index] = Array(answer.logits[start..<start + length])
        start += length
      }
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

/// Answer to a batch, as ranks tell it to each other.
private struct BatchAnswer {
  /// Mean loss of what is labelled.
  let loss: Float
  /// Number of what is labelled.
  let count: Int
  /// Values of a row of logits.
  let width: Int
  /// Logits, row-major.
  let logits: [Float]

  /// The answers to all batches in their order.
  ///
  /// - Parameters:
  ///   - own: Those of this rank: of the batches r, r + W, r + 2 W …
  ///   - count: The number of batches.
  ///   - ranks: The ranks.
  static func gather(_ own: [BatchAnswer], of count: Int, over ranks: any Communicator) -> [BatchAnswer] {
    if ranks.size == 1 { return own }
    var sent = RankWords()
    for answer in own {
      sent.append([
        answer.loss.bitPattern, UInt32(answer.count), UInt32(answer.width), UInt32(answer.logits.count),
      ])
      sent.append(answer.logits.map(\.bitPattern))
    }
    var lists = ranks.gather(sent.bytes).map { Self.read(RankWords($0))[...] }
    return (0..<count).compactMap { lists[$0 % ranks.size].popFirst() }
  }

  private static func read(_ words: RankWords) -> [BatchAnswer] {
    var words = words
    var answers: [BatchAnswer] = []
    while !words.isAtEnd {
      let (loss, count, width, values) = (words.read(), words.read(), words.read(), words.read())
      answers.append(
        BatchAnswer(
          loss: Float(bitPattern: loss), count: Int(count), width: Int(width),
          logits: words.readFloats(Int(values))))
    }
    return answers
  }
}
