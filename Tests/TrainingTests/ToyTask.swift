import Datasets
import Foundation
import Tasks
import Tensors
import Tokenization
import Training

/// A bag-of-tokens classifier with dropout on a task of its own: small enough to train in milliseconds.
final class ToyModel: TrainingObjective {
  static let vocabulary = 12
  let embedding: Parameter
  let weight: Parameter
  let bias: Parameter
  var dropoutProbability: Float = 0.2
  /// Called with the batch before each loss; may throw, or return a factor on the loss.
  var hook: (Batch) throws -> Float = { _ in 1 }
  /// The part of the loss that is compared with a guess's.
  var chancePart: ChancePart?

  init(seed: UInt64 = 1) {
    let random = RandomSource(seed: seed)
    func values(_ count: Int, stream: UInt64) -> [Float] {
      let source = RandomSource(seed: random.seed, stream: stream)
      return (0..<count).map { Float(source.uniform(at: UInt64($0)) - 0.5) }
    }
    embedding = Parameter(
      name: "embedding.weight",
      value: Tensor(values(Self.vocabulary * 6, stream: 1), shape: [Self.vocabulary, 6]))
    weight = Parameter(name: "classifier.weight", value: Tensor(values(12, stream: 2), shape: [2, 6]))
    bias = Parameter(name: "classifier.bias", value: Tensor([0, 0]))
  }

  var parameters: [Parameter] { [embedding, weight, bias] }
  var values: [[Float]] { parameters.map(\.values) }
  var groups: [ParameterGroup] { ParameterGroup.decayGroups(parameters) }

  /// Logits [sequences, 2] from the mean of each sequence's token vectors.
  func logits(_ batch: TokenBatch, in context: Context) -> Tensor {
    var averaging = [Float](repeating: 0, count: batch.count * batch.tokenCount)
    for index in 0..<batch.count {
      for row in batch.rows(of: index) {
        averaging[index * batch.tokenCount + row] = 1 / Float(batch.length(index))
      }
    }
    let vectors = embedding.tensor(in: context).rows(at: batch.ids)
    let means = Tensor(averaging, shape: [batch.count, batch.tokenCount]).matmul(vectors)
    let dropped = means.dropout(
      probability: dropoutProbability, starts: Array(0...Int32(batch.count)), in: context)
    return dropped.linear(LinearWeights(weight.tensor(in: context), bias: bias.tensor(in: context)))
  }

  func weight(of batch: Batch) -> Double { Double(batch.labels.count { $0 >= 0 }) }
  func chance(of batch: Batch) -> ChancePart? { chancePart }

  func loss(_ batch: Batch, progress: Double, in context: Context) throws -> StepLoss {
    let factor = try hook(batch)
    let loss = logits(batch.tokens, in: context).softmaxCrossEntropy(labels: batch.labels)
    let total = factor == 1 ? loss : loss * factor
    return StepLoss(total, parts: [("cross_entropy", loss.item)])
  }

  /// Scores the model on examples.
  func evaluate(_ examples: [EncodedExample]) throws -> EvaluationResult {
    try evaluateClassifier(examples) { self.logits($0, in: $1) }.result
  }
}

/// Sequences of 1 to 5 tokens; the label tells whether tokens of the upper half are in the majority.
func toyExamples(_ count: Int, seed: UInt64 = 7) -> [EncodedExample] {
  var random = SplitMix64(seed)
  return (0..<count).map { _ in
    let ids = (0..<(1 + random.below(5))).map { _ in Int32(random.below(ToyModel.vocabulary)) }
    let high = ids.count { $0 >= Int32(ToyModel.vocabulary / 2) }
    return EncodedExample(ids: ids, segments: ids.map { _ in 0 }, label: high * 2 > ids.count ? 1 : 0)
  }
}

/// Remembers what a run reported.
final class Recorder: TrainingObserver {
  var losses: [Double] = []
  var progress: [TrainingProgress] = []
  var entries: [TrainingLogEntry] = []
  var evaluations: [(step: Int, isBest: Bool, result: EvaluationResult)] = []
  var messages: [String] = []

  func stepDone(_ progress: TrainingProgress) {
    losses.append(progress.loss)
    self.progress.append(progress)
  }
  func logged(_ entry: TrainingLogEntry) { entries.append(entry) }
  func evaluated(_ result: EvaluationResult, step: Int, epoch: Double, isBest: Bool) {
    evaluations.append((step, isBest, result))
  }
  func message(_ text: String) { messages.append(text) }
}
