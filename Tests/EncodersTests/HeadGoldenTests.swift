import Encoders
import Foundation
import ModelFormats
import Tensors
import TestSupport
import Testing
import Tokenization

/// Every head of every architecture against `transformers` (see make_head_fixtures.py).
@Suite struct HeadGoldenTests {
  static let architectures = ["bert", "roberta", "xlm-roberta", "electra", "distilbert"]
  static let heads: [(String, TaskHead)] = [
    ("token", .tokenClassification), ("answer", .questionAnswering), ("masked", .maskedLanguageModel),
  ]
  /// Every fixture with its head.
  static let cases: [(String, TaskHead)] =
    architectures.flatMap { name in heads.map { (name + "/" + $0.0, $0.1) } }
    + [("bert/regression", .sequenceClassification), ("bert/multilabel", .sequenceClassification)]

  /// The loss `transformers` has for the head, of the fixture's targets.
  private func loss(_ golden: GoldenModel, _ model: TaskModel, _ logits: Tensor, _ context: Context) throws
    -> Tensor
  {
    func integers(_ name: String) throws -> [Int32] { try golden.golden.integers(name).map(Int32.init) }
    switch model.head {
    case .sequenceClassification where model.config.problem == .regression:
      let values = Tensor(try golden.golden.floats("values"), shape: logits.shape)
      return logits.meanSquaredError(to: values)
    case .sequenceClassification:
      let matrix = Tensor(try golden.golden.floats("matrix"), shape: logits.shape)
      return logits.binaryCrossEntropy(targets: matrix)
    case .tokenClassification:
      return logits.softmaxCrossEntropy(labels: try integers("tags"))
    case .questionAnswering:
      let terms = try ["start_positions", "end_positions"].enumerated().map { index, name in
        logits.column(index).positionCrossEntropy(starts: golden.batch.starts, targets: try integers(name))
      }
      return (terms[0] + terms[1]) * 0.5
    case .maskedLanguageModel:
      return logits.softmaxCrossEntropy(labels: try integers("tags").filter { $0 >= 0 })
    case .sentenceSimilarity: return try #require(nil as Tensor?, "SentenceSimilarityTests has its golden")
    }
  }

  private func rows(_ golden: GoldenModel) throws -> [Int32]? {
    golden.golden["rows"] == nil ? nil : try golden.golden.integers("rows").map(Int32.init)
  }

  @Test(arguments: cases)
  func logitsLossesAndGradientsEqualTransformers(_ name: String, _ head: TaskHead) throws {
    let golden = try GoldenModel(name, in: "heads")
    let model = try TaskModel(directory: golden.directory)
    #expect(model.head == head)
    #expect(model.loadReport?.fresh == [] && model.loadReport?.ignored == [])
    let context = Context(tape: Tape())
    let output = model(golden.batch, rows: try rows(golden), in: context)
    #expect(try golden.difference(output.logits.values, "logits") < GoldenModel.forwardTolerance)
    let loss = try loss(golden, model, output.logits, context)
    #expect(try golden.difference([loss.item], "loss") < GoldenModel.forwardTolerance)
    context.tape?.backward(from: loss)
    try golden.expectGradients(of: model.parameters)
  }

  @Test(arguments: cases)
  func savedDirectoriesLoadAgain(_ name: String, _ head: TaskHead) throws {
    let folder = try TemporaryFolder()
    let source = Fixtures.url("heads/" + name)
    let model = try TaskModel(directory: source)
    try model.save(to: folder.url)
    let again = try TaskModel(directory: folder.url)
    #expect(again.head == head && again.config.json == model.config.json)
    #expect(again.loadReport?.fresh == [] && again.loadReport?.ignored == [])
    for (a, b) in zip(again.parameters, model.parameters) { #expect(a.values == b.values) }
    let before = try #require(try JSONValue(contentsOf: source.appending(path: "config.json")).objectValue)
    let after = try #require(try JSONValue(contentsOf: folder.url.appending(path: "config.json")).objectValue)
    for (field, value) in before where field != "label2id" { #expect(after[field] == value, "\(field)") }
    let names = try SafetensorsFile(path: source.appending(path: "model.safetensors").path).tensors.map(
      \.name)
    let saved = try SafetensorsFile(path: folder.url.appending(path: "model.safetensors").path).tensors
    #expect(Set(saved.map(\.name)) == Set(names))
  }

  @Test(arguments: architectures)
  func wantedRowsAreThoseOfAllRows(_ name: String) throws {
    for (kind, head) in Self.heads {
      let golden = try GoldenModel(name + "/" + kind, in: "heads")
      let model = try TaskModel(directory: golden.directory)
      let all = model(golden.batch, seeing: [.hiddenStates], in: .inference)
      #expect(all.logits.shape[0] == golden.batch.tokenCount && all.pooled == nil)
      #expect(all.hiddenStates.count == 2)
      let width = all.logits.shape[1]
      #expect(width == (head == .maskedLanguageModel ? 40 : head == .questionAnswering ? 2 : 5))
      let some = model(golden.batch, rows: [30, 0, 30], in: .inference).logits
      #expect(some.shape == [3, width])
      let expected = [30, 0, 30].flatMap { all.logits.values[$0 * width..<($0 + 1) * width] }
      #expect(GoldenModel.difference(some.values, expected) < 1e-5)
      let context = Context(tape: Tape())
      #expect(model(golden.batch, rows: [], in: context).logits.shape == [0, width])
    }
  }

  @Test func headsDropAsTheirConfigurationSays() throws {
    // Of the heads of question answering only DistilBERT's drops; its tokens' follows `dropout` like a layer.
    let rates: [(String, [String: JSONValue], Bool)] = [
      ("bert/token", ["classifier_dropout": 0.5], true), ("bert/token", ["classifier_dropout": 0], false),
      ("roberta/token", ["classifier_dropout": 0.5], true),
      ("electra/token", ["classifier_dropout": 0.5], true),
      ("bert/answer", ["classifier_dropout": 0.5], false), ("distilbert/answer", ["qa_dropout": 0.5], true),
      ("distilbert/answer", ["qa_dropout": 0], false),
      ("distilbert/token", ["seq_classif_dropout": 0.5], false),
      ("bert/masked", ["classifier_dropout": 0.5], false),
    ]
    for (name, head, drops) in rates {
      let golden = try GoldenModel(name, in: "heads")
      let folder = try TemporaryFolder()
      var config = try #require(
        try JSONValue(contentsOf: golden.directory.appending(path: "config.json")).objectValue)
      for field in ["hidden_dropout_prob", "attention_probs_dropout_prob", "dropout", "attention_dropout"] {
        if config[field] != nil { config[field] = 0 }
      }
      for (field, rate) in head { config[field] = rate }
      try JSONValue.object(config).write(to: folder.url.appending(path: "config.json"))
      try FileManager.default.copyItem(
        at: golden.directory.appending(path: "model.safetensors"),
        to: folder.url.appending(path: "model.safetensors"))
      let model = try TaskModel(directory: folder.url)
      let context = Context(isTraining: true, random: RandomSource(seed: 1))
      let logits = model(golden.batch, rows: try rows(golden), in: context).logits
      #expect(try (golden.difference(logits.values, "logits") > 0.01) == drops, "\(name) \(head)")
    }
  }
}
