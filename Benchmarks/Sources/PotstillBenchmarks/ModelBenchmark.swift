import BenchmarkHarness
import Potstill

/// A model shape that both benchmarks of whole models run, with random weights.
struct BenchmarkShape {
  let name: String
  let hidden: Int
  let layers: Int
  let heads: Int
  let intermediate: Int

  static let all = [
    BenchmarkShape(name: "minilm-l6", hidden: 384, layers: 6, heads: 12, intermediate: 1536),
    BenchmarkShape(name: "t4-tiny", hidden: 312, layers: 4, heads: 12, intermediate: 1200),
  ]

  /// 32 sequences of 128 tokens, and 32 of the lengths that SST-2's training sentences have.
  static let batches: [(name: String, batch: TokenBatch)] = [
    ("32 x 128", batch([Int](repeating: 128, count: 32))),
    (
      "32 of SST-2",
      batch((0..<32).map { [3, 5, 6, 7, 8, 9, 10, 11, 13, 15, 18, 22, 26, 30, 36, 45][$0 % 16] })
    ),
  ]

  func model() throws -> TaskModel {
    let config = EncoderConfig(
      vocabularySize: 30_522, hiddenSize: hidden, layerCount: layers, attentionHeads: heads,
      intermediateSize: intermediate, labels: ["negative", "positive"])
    return try TaskModel(config: config, seed: 1)
  }

  /// Multiplications and additions of the linear layers and attention in one forward pass.
  func forwardOperations(_ batch: TokenBatch) -> Double {
    let linear = Double(batch.tokenCount * 2 * (4 * hidden * hidden + 2 * hidden * intermediate))
    let attention = (0..<batch.count).reduce(0.0) {
      $0 + Double(4 * batch.length($1) * batch.length($1) * hidden)
    }
    return Double(layers) * (linear + attention)
  }

  private static func batch(_ lengths: [Int]) -> TokenBatch {
    TokenBatch(
      sequences: lengths.map { length in
        (
          ids: (0..<length).map { Int32(1000 + ($0 * 7919) % 20_000) },
          segments: [Int32](repeating: 0, count: length)
        )
      })
  }
}

/// Inference of a whole classifier.
enum InferenceBenchmark: Benchmark {
  static let name = "inference"
  static let summary = "a classifier's forward pass, ms a batch and GF/s of its products"

  static func run(_ arguments: [String]) throws {
    let table = Table(["shape, batch", "ms", "best", "sentences/s", "GF/s"])
    for shape in BenchmarkShape.all {
      let model = try shape.model()
      for (name, batch) in BenchmarkShape.batches {
        try check(model, batch)
        let time = Measurement(minimumSeconds: 1) { _ = model(batch, in: .inference).logits.values }
        table.row([
          "\(shape.name), \(name)", (time.median * 1e3).fixed(1), (time.minimum * 1e3).fixed(1),
          (Double(batch.count) / time.median).fixed(0),
          (shape.forwardOperations(batch) / time.median / 1e9).fixed(0),
        ])
      }
    }
  }

  /// A sequence's logits must not depend on its neighbours: the first alone gives what the batch gave.
  private static func check(_ model: TaskModel, _ batch: TokenBatch) throws {
    let length = batch.length(0)
    let first = TokenBatch(
      sequences: [(ids: Array(batch.ids[..<length]), segments: Array(batch.segments[..<length]))])
    let alone = model(first, in: .inference).logits.values
    let together = model(batch, in: .inference).logits.values
    for (a, b) in zip(alone, together) where !(abs(a - b) < 1e-4) {
      throw BenchmarkFault("The first sequence has logit \(a) alone and \(b) in its batch.")
    }
  }
}

/// A whole training step: forward, backward, clipping, AdamW.
enum TrainingStepBenchmark: Benchmark {
  static let name = "training-step"
  static let summary =
    "forward, backward, clipping and AdamW with dropout 0.1, ms a step and GF/s of its products"

  static func run(_ arguments: [String]) throws {
    let table = Table(["shape, batch", "ms", "best", "sentences/s", "GF/s"])
    for shape in BenchmarkShape.all {
      for (name, batch) in BenchmarkShape.batches {
        let step = try TrainingStep(shape.model(), batch)
        let time = Measurement(minimumSeconds: 2) { step.run() }
        try step.check()
        table.row([
          "\(shape.name), \(name)", (time.median * 1e3).fixed(1), (time.minimum * 1e3).fixed(1),
          (Double(batch.count) / time.median).fixed(0),
          (3 * shape.forwardOperations(batch) / time.median / 1e9).fixed(0),
        ])
      }
    }
  }
}

/// One model that learns one batch by heart.
private final class TrainingStep {
  private let model: TaskModel
  private let optimizer: Optimizer
  private let batch: TokenBatch
  private let labels: [Int32]
  private var losses: [Float] = []

  init(_ model: TaskModel, _ batch: TokenBatch) throws {
    self.model = model
    self.batch = batch
    // The last rows differ in length from the first, so that there is something to tell apart.
    labels = (0..<batch.count).map { Int32($0 % 4 == 0 ? 1 : 0) }
    optimizer = try Optimizer(
      TrainingConfig().optimizer, groups: ParameterGroup.decayGroups(model.parameters), learningRate: 5e-5,
      weightDecay: 0)
  }

  func run() {
    let tape = Tape()
    let random = RandomSource(seed: 1, stream: UInt64(losses.count) << 16)
    let context = Context(tape: tape, isTraining: true, random: random)
    let loss = model(batch, in: context).logits.softmaxCrossEntropy(labels: labels)
    tape.backward(from: loss)
    let norm = optimizer.gradientNorm()
    optimizer.step(gradientScale: Optimizer.clippingFactor(norm: norm, maximum: 1))
    optimizer.zeroGradients()
    losses.append(loss.item)
  }

  func check() throws {
    guard let first = losses.first, let last = losses.last, last < first, last.isFinite else {
      throw BenchmarkFault(
        "The loss went from \(losses.first ?? .nan) to \(losses.last ?? .nan); it must fall.")
    }
  }
}
