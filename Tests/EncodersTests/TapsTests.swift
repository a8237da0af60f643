import Encoders
import Tensors
import Testing
import Tokenization

/// Values that a pass keeps because its context's taps want them.
@Suite struct TapsTests {
  private func model(layers: Int) throws -> TaskModel {
    try TaskModel(
      config: EncoderConfig(
        vocabularySize: 30, hiddenSize: 8, layerCount: layers, attentionHeads: 2, intermediateSize: 12),
      seed: 5)
  }

  private let batch = TokenBatch(sequences: [
    (ids: [2, 3, 4, 5], segments: [0, 0, 0, 0]), (ids: [6, 7, 8], segments: [0, 0, 0]),
  ])

  @Test func aContextKeepsWhatItsTapsWant() throws {
    let model = try model(layers: 3)
    let names = [
      "embeddings", "encoder.layer.0", "encoder.layer.1.attention.output",
      "encoder.layer.1.attention.self.key",
      "pooler", "classifier",
    ]
    let context = Context(tape: Tape())
    let taps = Taps(names + ["encoder.layer.0.attention.scores", "encoder.layer.7"])
    context.taps = taps
    let output = model(batch, in: context)
    #expect(
      Set(taps.values.keys) == Set(names) && taps.maps.keys.sorted() == ["encoder.layer.0.attention.scores"])
    #expect(output.values.isEmpty && output.maps.isEmpty && output.encoder.holdsFirstRowsOnly)
    #expect(taps.values["classifier"]?.values == output.logits.values)
    let same = model(
      batch, seeing: [.innerHiddenStates, .attentionScores], in: Context(tape: Tape()))
    #expect(same.hiddenStates[0].values == taps.values["embeddings"]?.values)
    #expect(same.hiddenStates[1].values == taps.values["encoder.layer.0"]?.values)
    #expect(
      same.attentionScores[0].values.values
        == taps.maps["encoder.layer.0.attention.scores"]?.values.values)
    let pooler = model(batch, taps: ["pooler"], in: .inference)
    #expect(
      pooler.values.keys.sorted() == ["pooler"] && pooler.pooled?.values == pooler.values["pooler"]?.values)
  }

  @Test func tapsOfAContextAndOfACallGoTogether() throws {
    let model = try model(layers: 2)
    let context = Context.inference
    let taps = Taps(["encoder.layer.0"])
    context.taps = taps
    let output = model(batch, seeing: [.hiddenStates], in: context)
    #expect(context.taps === taps && taps.values.keys.sorted() == ["encoder.layer.0"])
    #expect(taps.values["encoder.layer.0"]?.values == output.hiddenStates[1].values)
  }

  @Test func everyLayerOfADeepModelCanBeSeen() throws {
    let model = try model(layers: 60)
    let seen: [Seen] = [.selfAttention(ofLayer: 0), .selfAttention(ofLayer: 59)]
    let output = model(batch, seeing: seen, in: .inference)
    #expect(output.selfAttention.keys.sorted() == [0, 59])
    #expect(output.selfAttention[59]?.queries.shape == [7, 8] && output.encoder.holdsFirstRowsOnly)
  }
}
