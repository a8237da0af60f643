import Datasets
import Encoders
import ModelFormats
import Tasks
import Tensors
import Testing
import Tokenization
import Training

/// How smoothing and weights of classes are asked for, and of which labels; their numbers are golden (`OpGoldenTests`).
@Suite("Loss on hard labels") struct HardLabelLossTests {
  private func model(
    _ head: TaskHead = .sequenceClassification, _ problem: ProblemType? = nil,
    labels: [String] = ["bad", "good", "so so"]
  ) throws -> TaskModel {
    var config = EncoderConfig(
      vocabularySize: 12, hiddenSize: 8, layerCount: 1, attentionHeads: 2, intermediateSize: 12)
    (config.head, config.labels, config.problemType) = (head, labels, problem)
    return try TaskModel(config: config, seed: 1)
  }

  private func example(_ target: ExampleTarget) -> EncodedExample {
    EncodedExample(ids: [1, 2, 3], segments: [0, 0, 0], target: target)
  }

  private func settings(_ weights: String?, smoothing: Double = 0) throws -> TrainingConfig {
    var config = TrainingConfig()
    config.classWeights = try weights.map { try #require(ClassWeights($0)) }
    config.labelSmoothingFactor = smoothing
    return config
  }

  private func fault(_ body: () throws -> Void) -> String {
    let error = #expect(throws: TrainingError.self) { try body() }
    return error?.description ?? ""
  }

  /// `compute_class_weight("balanced", …)` of scikit-learn of 5, 3 and 2 rows: 10/15, 10/9, 10/6.
  @Test("balanced weights are scikit-learn's; a class that does not come weighs 1")
  func balanced() throws {
    let labels: [Int32] = [0, 0, 0, 0, 0, 1, 1, 1, 2, 2]
    let rows = labels.map { example(.label($0)) } + [example(.none)]
    let loss = try HardLabelLoss(settings("balanced"), of: model(), examples: rows)
    let expected: [Float] = [10.0 / 15, 10.0 / 9, 10.0 / 6]
    #expect(loss.weights == expected)
    let few = [0, 0, 2].map { example(.label($0)) }
    let two = try HardLabelLoss(settings("balanced"), of: model(), examples: few)
    #expect(two.weights == [0.75, 1, 1.5])
    let tags = [example(.tags([0, 0, -100])), example(.tags([0, 1, -100]))]
    let tagged = try HardLabelLoss(settings("balanced"), of: model(.tokenClassification), examples: tags)
    // Four tags of two classes: 4 / (2 · 3) and 4 / (2 · 1).
    let ofTags: [Float] = [4.0 / 6, 2, 1]
    #expect(tagged.weights == ofTags)
  }

  @Test("of labels side by side the rows without one for each row with it")
  func sideBySide() throws {
    let flags = [[true, false, true], [false, false, true], [false, true, true], [false, false, true]]
    let model = try model(problem: .multiLabel)
    let loss = try HardLabelLoss(
      settings("balanced"), of: model, examples: flags.map { example(.labels($0)) })
    #expect(loss.weights == [3, 3, 1])
    #expect(try HardLabelLoss(settings("good=2"), of: model).weights == [1, 2, 1])
  }

  private func model(problem: ProblemType) throws -> TaskModel { try model(.sequenceClassification, problem) }

  @Test("weights by name: the others weigh 1, case does not matter, a type stands for its tags")
  func named() throws {
    #expect(try HardLabelLoss(settings("Good=2.5, so so = 0.5"), of: model()).weights == [1, 2.5, 0.5])
    #expect(ClassWeights(#"{"so so": 0.5, "good": 2.5}"#) == .named(["so so": 0.5, "good": 2.5]))
    let tags = try model(.tokenClassification, labels: ["O", "B-PER", "I-PER", "B-LOC"])
    #expect(try HardLabelLoss(settings("per=3,I-PER=2"), of: tags).weights == [1, 3, 2, 1])
    #expect(try HardLabelLoss(settings("O=0.25,LOC=2"), of: tags).weights == [0.25, 1, 1, 2])
    #expect(
      fault { _ = try HardLabelLoss(settings("fine=2"), of: model()) }.contains(
        "class_weights: names \"fine\", which is no label; expected one of bad, good, so so"))
  }

  @Test("what is no weight is named", arguments: ["", "heavy", "a=b", "a=1,a=2", "=2", "a=1,", "{}", "[1]"])
  func unreadable(_ text: String) {
    #expect(ClassWeights(text) == nil)
    let found = #expect(throws: TrainingError.self) {
      try TrainingConfig(json: ["class_weights": .string(text)])
    }
    #expect(found?.description.contains("class_weights") == true)
  }

  @Test("numbers that no loss can take are faults", arguments: ["a=0", "a=-1", "a=inf", "a=nan", "a=1e-60"])
  func unusable(_ text: String) throws {
    let found = try settings(text).faults().map(\.description).joined()
    #expect(found.hasPrefix("class_weights: of \"a\" is"), "\(found)")
  }

  @Test("settings are written as they are read, and left out where they do nothing")
  func roundTrip() throws {
    var config = try settings("a=2,b c=0.5", smoothing: 0.1)
    config.frozenLayers = FrozenLayers("0-2, 5")
    config.freezesEmbeddings = true
    #expect(try TrainingConfig(json: config.json) == config)
    let untouched = TrainingConfig().json
    for key in ["label_smoothing_factor", "freeze_embeddings"] {
      #expect(untouched[key]?.isNull ?? true, "\(key)")
    }
    for value in [-0.1, 1.5, .nan] {
      #expect(try settings(nil, smoothing: value).faults().map(\.field) == ["label_smoothing_factor"])
    }
  }

  @Test("heads whose answers are no classes refuse both, and say why")
  func refused() throws {
    let both = try settings("balanced", smoothing: 0.1)
    let cases: [(TaskHead, ProblemType?, [String], Int)] = [
      (.sequenceClassification, .regression, ["value"], 2),
      (.questionAnswering, nil, ["LABEL_0", "LABEL_1"], 2),
      (.sentenceSimilarity, nil, ["LABEL_0"], 2),
    ]
    for (head, problem, labels, _) in cases {
      let found = fault { _ = try HardLabelLoss(both, of: model(head, problem, labels: labels)) }
      #expect(found.contains("label_smoothing_factor: does not apply to a "), "\(found)")
      #expect(found.contains("class_weights: do not apply to a "), "\(found)")
    }
    let side = fault { _ = try HardLabelLoss(both, of: model(problem: .multiLabel)) }
    #expect(side.contains("label_smoothing_factor") && !side.contains("class_weights"), "\(side)")
    let words = fault { _ = try HardLabelLoss(both, of: model(.maskedLanguageModel)) }
    #expect(words.contains("class_weights") && !words.contains("label_smoothing_factor"), "\(words)")
  }

  @Test(
    "training takes smoothing and weights; the mean is over the sum of weights, and evaluations stay plain")
  func objective() throws {
    let model = try model()
    let rows = [0, 1, 2, 1].map { example(.label($0)) }
    let batch = Batch(rows, at: [0, 1, 2, 3])
    let loss = HardLabelLoss(smoothing: 0.2, weights: [1, 2, 4])
    let objective = SupervisedObjective(model, loss: loss)
    #expect(objective.weight(of: batch) == 9)
    let found = try objective.loss(batch, progress: 0, in: .inference).total.item
    let logits = model(batch.tokens, in: .inference).logits
    let expected = logits.softmaxCrossEntropy(labels: [0, 1, 2, 1], weights: [1, 2, 4], smoothing: 0.2).item
    #expect(found == expected)
    let plain = try SupervisedObjective(model).loss(batch, progress: 0, in: .inference).total.item
    #expect(plain == logits.softmaxCrossEntropy(labels: [0, 1, 2, 1]).item && plain != found)
  }
}
