import Encoders
import Foundation
import ModelFormats
import Tensors
import Testing

@Suite struct EncoderGoldenTests {
  @Test func classifierEqualsTransformers() throws {
    let golden = try GoldenModel("classifier")
    let model = try TaskModel(directory: golden.directory)
    #expect(model.loadReport?.fresh == [])
    #expect(model.loadReport?.ignored == [])
    let output = model(
      golden.batch, seeing: [.hiddenStates, .attentionProbabilities, .attentionScores], in: .inference)
    #expect(try golden.difference(output.logits.values, "logits") < GoldenModel.forwardTolerance)
    #expect(output.logits.shape == [4, 3])
    try golden.expectStates(output)
    let scores = output.attentionScores
    #expect(scores.count == 3)
    // Softmax of the scores of the second sequence, which has one token, is 1 whatever they are.
    #expect(output.attentionProbabilities[0].values.values[7 * 7 * 4] == 1)
  }

  @Test func bareEncoderEqualsTransformers() throws {
    let golden = try GoldenModel("bare")
    let model = try TaskModel(directory: golden.directory)
    #expect(
      model.loadReport?.fresh == [
        "bert.pooler.dense.weight", "bert.pooler.dense.bias", "classifier.weight", "classifier.bias",
      ])
    #expect(model.loadReport?.ignored == [])
    #expect(model.config.labels == ["LABEL_0", "LABEL_1"])
    try golden.expectStates(
      model(golden.batch, seeing: [.hiddenStates, .attentionProbabilities], in: .inference))
  }

  @Test func oldPyTorchFilesLoad() throws {
    let golden = try GoldenModel("pretraining")
    let model = try TaskModel(directory: golden.directory)
    let report = try #require(model.loadReport)
    #expect(report.fresh == ["classifier.weight", "classifier.bias"])
    #expect(!report.ignored.isEmpty && report.ignored.allSatisfy { $0.hasPrefix("cls.") })
    let output = model(golden.batch, seeing: [.hiddenStates, .attentionProbabilities], in: .inference)
    try golden.expectStates(output)
    #expect(
      try golden.difference(try #require(output.pooled).values, "pooled") < GoldenModel.forwardTolerance)
    // The word table is stored once for the embeddings and the unused decoder: writing must not reach the file.
    let words = model.parameters[0]
    words.assign(Tensor(repeating: 0, shape: words.shape))
    let again = try TaskModel(directory: golden.directory)
    #expect(again.parameters[0].values.contains { $0 != 0 })
  }

  @Test func whatIsNotCapturedIsNotComputed() throws {
    let golden = try GoldenModel("classifier")
    let model = try TaskModel(directory: golden.directory)
    let plain = model(golden.batch, in: .inference)
    #expect(plain.encoder.holdsFirstRowsOnly)
    #expect(plain.encoder.lastHiddenState.shape == [4, 32])
    #expect(plain.values.isEmpty && plain.maps.isEmpty)
    #expect(try golden.difference(plain.logits.values, "logits") < GoldenModel.forwardTolerance)
    let inner = model(golden.batch, seeing: [.innerHiddenStates], in: .inference)
    #expect(inner.encoder.holdsFirstRowsOnly)
    #expect(inner.hiddenStates.count == 3)
    #expect(try golden.difference(inner.hiddenStates[2].values, "hidden.2") < GoldenModel.forwardTolerance)
  }

  @Test(arguments: [[Seen](), [.hiddenStates]])
  func gradientsOfTheClassifierEqualPyTorch(_ seen: [Seen]) throws {
    let golden = try GoldenModel("classifier")
    let model = try TaskModel(directory: golden.directory)
    let labels = try golden.golden.integers("labels").map(Int32.init)
    let context = Context(tape: Tape())
    let output = model(golden.batch, seeing: seen, in: context)
    let loss = output.logits.softmaxCrossEntropy(labels: labels)
    #expect(try golden.difference([loss.item], "loss") < GoldenModel.forwardTolerance)
    context.tape?.backward(from: loss)
    try golden.expectGradients(of: model.parameters)
  }

  @Test func gradientsThroughEveryStateEqualPyTorch() throws {
    let golden = try GoldenModel("bare")
    let model = try TaskModel(directory: golden.directory)
    let context = Context(tape: Tape())
    let output = model(golden.batch, seeing: [.hiddenStates, .attentionProbabilities], in: context)
    var loss = Tensor(0)
    for (k, hidden) in output.hiddenStates.enumerated() {
      let wave = Tensor((0..<hidden.count).map { Float(sin(Double($0 + k))) }, shape: hidden.shape)
      loss = loss + (hidden * wave).mean()
    }
    for (k, maps) in output.attentionProbabilities.enumerated() {
      let wave = Tensor((0..<maps.values.count).map { Float(cos(Double($0 + k))) }, shape: maps.values.shape)
      loss = loss + (maps.values * wave).mean()
    }
    #expect(try golden.difference([loss.item], "loss") < GoldenModel.forwardTolerance)
    context.tape?.backward(from: loss)
    try golden.expectGradients(of: model.parameters.filter { $0.name.hasPrefix("bert.e") })
    #expect(model.parameters.filter { !$0.name.hasPrefix("bert.e") }.allSatisfy { $0.gradient == nil })
  }

  @Test func trainingDropsByTheSeedAlone() throws {
    let golden = try GoldenModel("classifier")
    let model = try TaskModel(directory: golden.directory)
    func logits(_ seed: UInt64) -> [Float] {
      model(golden.batch, in: Context(isTraining: true, random: RandomSource(seed: seed))).logits.values
    }
    #expect(logits(1) == logits(1))
    #expect(logits(1) != logits(2))
    #expect(try golden.difference(logits(1), "logits") > GoldenModel.forwardTolerance)
  }
}
