import Encoders
import Foundation
import ModelFormats
import Tensors
import Testing

// Golden values are float64 results rounded once; a float32 forward pass of three layers with weights of 0.25 loses
// about a digit against float32's 1e-7 at values of up to 4. Gradients, relative to the largest of their tensor, lose
// up to two more where softmax is nearly saturated (queries and keys of the last layer, whose terms cancel).
private let forwardTolerance: Float = 1e-5
private let gradientTolerance: Float = 1e-4

@Suite struct EncoderGoldenTests {
  @Test func classifierEqualsTransformers() throws {
    let golden = try GoldenModel("classifier")
    let model = try SequenceClassifier(directory: golden.directory)
    #expect(model.loadReport?.fresh == [])
    #expect(model.loadReport?.ignored == [])
    let output = model(
      golden.batch, capture: [.hiddenStates, .attentionProbabilities, .attentionScores], in: .inference)
    #expect(try golden.difference(output.logits.values, "logits") < forwardTolerance)
    #expect(output.logits.shape == [4, 3])
    try expectStates(output, golden)
    let scores = output.encoder.attentionScores
    #expect(scores.count == 3)
    // Softmax of the scores of the second sequence, which has one token, is 1 whatever they are.
    #expect(output.encoder.attentionProbabilities[0].values.values[7 * 7 * 4] == 1)
  }

  @Test func bareEncoderEqualsTransformers() throws {
    let golden = try GoldenModel("bare")
    let model = try SequenceClassifier(directory: golden.directory)
    #expect(
      model.loadReport?.fresh == [
        "bert.pooler.dense.weight", "bert.pooler.dense.bias", "classifier.weight", "classifier.bias",
      ])
    #expect(model.loadReport?.ignored == [])
    #expect(model.config.labels == ["LABEL_0", "LABEL_1"])
    try expectStates(
      model(golden.batch, capture: [.hiddenStates, .attentionProbabilities], in: .inference), golden)
  }

  @Test func oldPyTorchFilesLoad() throws {
    let golden = try GoldenModel("pretraining")
    let model = try SequenceClassifier(directory: golden.directory)
    let report = try #require(model.loadReport)
    #expect(report.fresh == ["classifier.weight", "classifier.bias"])
    #expect(!report.ignored.isEmpty && report.ignored.allSatisfy { $0.hasPrefix("cls.") })
    let output = model(golden.batch, capture: [.hiddenStates, .attentionProbabilities], in: .inference)
    try expectStates(output, golden, layers: 2)
    #expect(try golden.difference(output.pooled.values, "pooled") < forwardTolerance)
    // The word table is stored once for the embeddings and the unused decoder: writing must not reach the file.
    let words = model.parameters[0]
    words.assign(Tensor(repeating: 0, shape: words.shape))
    let again = try SequenceClassifier(directory: golden.directory)
    #expect(again.parameters[0].tensor.values.contains { $0 != 0 })
  }

  @Test func whatIsNotCapturedIsNotComputed() throws {
    let golden = try GoldenModel("classifier")
    let model = try SequenceClassifier(directory: golden.directory)
    let plain = model(golden.batch, in: .inference)
    #expect(plain.encoder.holdsFirstRowsOnly)
    #expect(plain.encoder.lastHiddenState.shape == [4, 32])
    #expect(plain.hiddenStates.isEmpty && plain.encoder.attentionProbabilities.isEmpty)
    #expect(try golden.difference(plain.logits.values, "logits") < forwardTolerance)
    let inner = model(golden.batch, capture: .innerHiddenStates, in: .inference)
    #expect(inner.encoder.holdsFirstRowsOnly)
    #expect(inner.hiddenStates.count == 3)
    #expect(try golden.difference(inner.hiddenStates[2].values, "hidden.2") < forwardTolerance)
  }

  @Test(arguments: [Capture(), .hiddenStates])
  func gradientsOfTheClassifierEqualPyTorch(_ capture: Capture) throws {
    let golden = try GoldenModel("classifier")
    let model = try SequenceClassifier(directory: golden.directory)
    let labels = try golden.golden.integers("labels").map(Int32.init)
    let context = Context(tape: Tape())
    let output = model(golden.batch, capture: capture, in: context)
    let loss = softmaxCrossEntropy(output.logits, labels: labels, in: context)
    #expect(try golden.difference([loss.item], "loss") < forwardTolerance)
    context.tape?.backward(from: loss)
    try expectGradients(model.parameters, golden)
  }

  @Test func gradientsThroughEveryStateEqualPyTorch() throws {
    let golden = try GoldenModel("bare")
    let model = try SequenceClassifier(directory: golden.directory)
    let context = Context(tape: Tape())
    let output = model(golden.batch, capture: [.hiddenStates, .attentionProbabilities], in: context)
    var loss = Tensor(0)
    for (k, hidden) in output.hiddenStates.enumerated() {
      let wave = Tensor((0..<hidden.count).map { Float(sin(Double($0 + k))) }, shape: hidden.shape)
      loss = add(loss, mean(multiply(hidden, wave, in: context), in: context), in: context)
    }
    for (k, maps) in output.encoder.attentionProbabilities.enumerated() {
      let wave = Tensor((0..<maps.values.count).map { Float(cos(Double($0 + k))) }, shape: maps.values.shape)
      loss = add(loss, mean(multiply(maps.values, wave, in: context), in: context), in: context)
    }
    #expect(try golden.difference([loss.item], "loss") < forwardTolerance)
    context.tape?.backward(from: loss)
    try expectGradients(model.parameters.filter { $0.name.hasPrefix("bert.e") }, golden)
    #expect(model.parameters.filter { !$0.name.hasPrefix("bert.e") }.allSatisfy { $0.gradient == nil })
  }

  @Test func trainingDropsByTheSeedAlone() throws {
    let golden = try GoldenModel("classifier")
    let model = try SequenceClassifier(directory: golden.directory)
    func logits(_ seed: UInt64) -> [Float] {
      model(golden.batch, in: Context(isTraining: true, random: RandomSource(seed: seed))).logits.values
    }
    #expect(logits(1) == logits(1))
    #expect(logits(1) != logits(2))
    #expect(try golden.difference(logits(1), "logits") > forwardTolerance)
  }

  private func expectStates(_ output: ModelOutput, _ golden: GoldenModel, layers: Int = 3) throws {
    #expect(output.hiddenStates.count == layers + 1)
    for (k, hidden) in output.hiddenStates.enumerated() {
      #expect(try golden.difference(hidden.values, "hidden.\(k)") < forwardTolerance)
    }
    #expect(output.encoder.attentionProbabilities.count == layers)
    for (k, maps) in output.encoder.attentionProbabilities.enumerated() {
      #expect(try golden.difference(maps.values.values, "attention.\(k)") < forwardTolerance)
    }
  }

  private func expectGradients(_ parameters: [Parameter], _ golden: GoldenModel) throws {
    for parameter in parameters {
      let gradient = try #require(parameter.gradient, "\(parameter.name) has no gradient")
      if parameter.name.hasSuffix("key.bias") {
        // Softmax ignores what every key shares, so this gradient is 0 and both engines show rounding errors only.
        #expect(try golden.difference(gradient.values, "grad." + parameter.name) < 1e-6, "\(parameter.name)")
      } else {
        let difference = try golden.relativeDifference(gradient.values, "grad." + parameter.name)
        #expect(difference < gradientTolerance, "\(parameter.name)")
      }
    }
  }
}
