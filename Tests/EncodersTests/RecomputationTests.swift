import Encoders
import Tensors
import TestSupport
import Testing
import Tokenization

/// Layers that are computed again in the backward pass: nothing may differ but what a tape holds meanwhile.
@Suite struct RecomputationTests {
  private func model(_ architecture: EncoderArchitecture) throws -> TaskModel {
    var config = EncoderConfig(
      vocabularySize: 40, hiddenSize: 24, layerCount: 3, attentionHeads: 4, intermediateSize: 20)
    (config.architecture, config.maxPositions, config.initializerRange) = (architecture, 20, 0.3)
    if architecture == .distilbert { config.segmentCount = 0 }
    (config.hiddenDropout, config.attentionDropout) = (0.1, 0.1)
    return try TaskModel(config: config, seed: 3)
  }

  private let batch = TokenBatch(
    sequences: [[2, 3, 4, 5, 6], [7, 8, 9, 2, 17, 11, 12], [20, 21, 22]].map {
      ($0, $0.map { _ in 0 })
    })

  /// The gradients and what taps have kept of a step in training mode, and how many operations its tape held.
  private func step(
    _ model: TaskModel, recomputing: Bool, tapping names: [String] = []
  ) -> (gradients: [[Float]], kept: [String: [Float]], operations: Int) {
    for parameter in model.parameters { parameter.zeroGradient() }
    let tape = Tape()
    let context = Context(tape: tape, isTraining: true, random: RandomSource(seed: 5))
    context.recomputes = recomputing
    if !names.isEmpty { context.taps = Taps(names) }
    let logits = model(batch, in: context).logits
    var loss = (logits * logits).mean()
    for (number, name) in names.enumerated() {
      guard let value = context.taps?.values[name] ?? context.taps?.maps[name]?.values else { continue }
      loss = loss + Float(number + 2) * (value * value).mean()
    }
    // What comes behind the encoder draws too, from the stream that the layers have left.
    loss = loss + logits.dropout(probability: 0.5, in: context).mean()
    let operations = tape.count
    tape.backward(from: loss)
    let kept = (context.taps?.values ?? [:]).mapValues(\.values)
      .merging((context.taps?.maps ?? [:]).mapValues(\.values.values)) { a, _ in a }
    return (model.parameters.map { $0.gradient?.values ?? [] }, kept, operations)
  }

  private static let families: [EncoderArchitecture] = [.bert, .roberta, .electra, .distilbert]

  @Test(arguments: families)
  func gradientsHaveTheSameBits(_ architecture: EncoderArchitecture) throws {
    let model = try model(architecture)
    FixedThreads.run {
      let (kept, again) = (step(model, recomputing: false), step(model, recomputing: true))
      #expect(kept.gradients == again.gradients)
      #expect(kept.gradients.joined().contains { $0 != 0 })
      #expect(again.operations < kept.operations, "\(again.operations) of \(kept.operations)")
    }
  }

  @Test func whatTapsKeepHasGradientsToo() throws {
    let model = try model(.bert)
    let names = [
      "embeddings", "encoder.layer.0", "encoder.layer.1.attention.scores",
      "encoder.layer.1.attention.self.value", "encoder.layer.1.intermediate", "encoder.layer.2",
    ]
    FixedThreads.run {
      let kept = step(model, recomputing: false, tapping: names)
      let again = step(model, recomputing: true, tapping: names)
      #expect(kept.kept.count >= 5, "\(kept.kept.keys.sorted())")
      #expect(kept.kept == again.kept)
      #expect(kept.gradients == again.gradients)
      #expect(kept.gradients != step(model, recomputing: true).gradients)
    }
  }

  @Test func frozenLayersAreLeftAlone() throws {
    let model = try model(.bert)
    for parameter in model.parameters
    where parameter.name.contains("embeddings") || parameter.name.contains("layer.0.") {
      parameter.isTrainable = false
    }
    FixedThreads.run {
      let (kept, again) = (step(model, recomputing: false), step(model, recomputing: true))
      #expect(kept.gradients == again.gradients)
      #expect(again.gradients.contains { $0.isEmpty } && again.gradients.contains { !$0.isEmpty })
    }
  }

  @Test func withoutATapeNothingIsDoneTwice() throws {
    let model = try model(.bert)
    let context = Context()
    context.recomputes = true
    #expect(
      model(batch, in: context).logits.values == model(batch, in: .inference).logits.values)
  }
}
