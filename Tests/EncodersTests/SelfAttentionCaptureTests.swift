import Encoders
import ModelFormats
import Tensors
import Testing
import Tokenization

@Suite struct SelfAttentionCaptureTests {
  /// The captured vectors give the attention that the model computes from them.
  @Test(arguments: [0, 1, 2])
  func vectorsGiveTheScores(layer: Int) throws {
    let golden = try GoldenModel("classifier")
    let model = try TaskModel(directory: golden.directory)
    let output = model(
      golden.batch, seeing: [.attentionScores, .selfAttention(ofLayer: layer)], in: .inference)
    #expect(output.selfAttention.keys.sorted() == [layer])
    let vectors = try #require(output.selfAttention[layer])
    #expect(vectors.values.shape == [golden.batch.tokenCount, 32])
    let again = Tensor.attention(
      query: vectors.queries, key: vectors.keys, value: vectors.values, heads: model.config.attentionHeads,
      starts: golden.batch.starts, capturingScores: true, in: .inference)
    let scores = output.attentionScores[layer].values.values
    #expect(GoldenModel.difference(try #require(again.scores).values.values, scores) < 1e-5)
  }

  /// All rows of the last layer's vectors, although everything after them is computed for one row a sequence, with and
  /// without a tape and in batches small enough for the kernels of few rows.
  @Test(arguments: [true, false])
  func theLastLayerStaysTrimmed(recording: Bool) throws {
    let golden = try GoldenModel("classifier")
    let model = try TaskModel(directory: golden.directory)
    let context = recording ? Context(tape: Tape()) : .inference
    let output = model(golden.batch, seeing: [.selfAttention(ofLayer: 2)], in: context)
    #expect(output.encoder.holdsFirstRowsOnly)
    #expect(output.encoder.lastHiddenState.shape == [4, 32])
    #expect(try golden.difference(output.logits.values, "logits") < GoldenModel.forwardTolerance)
    #expect(output.selfAttention[2]?.queries.shape == [golden.batch.tokenCount, 32])
  }

  @Test func gradientsOfTheClassifierStayThose() throws {
    let golden = try GoldenModel("classifier")
    let model = try TaskModel(directory: golden.directory)
    let labels = try golden.golden.integers("labels").map(Int32.init)
    let context = Context(tape: Tape())
    let output = model(
      golden.batch, seeing: [.selfAttention(ofLayer: 0), .selfAttention(ofLayer: 2)], in: context)
    context.tape?.backward(from: output.logits.softmaxCrossEntropy(labels: labels))
    try golden.expectGradients(of: model.parameters)
  }

  @Test func nothingIsCapturedUnasked() throws {
    let golden = try GoldenModel("classifier")
    let model = try TaskModel(directory: golden.directory)
    #expect(model(golden.batch, seeing: [.hiddenStates], in: .inference).selfAttention.isEmpty)
  }
}
