import Encoders
import Foundation
import ModelFormats
import Tensors
import TestSupport
import Testing

/// RoBERTa, ELECTRA and DistilBERT against `transformers` (see make_encoder_fixtures.py).
@Suite struct RelativesTests {
  private static let names = ["roberta", "electra", "distilbert"]

  /// A directory with a fixture's weights under other names and its configuration with other fields.
  private func copy(
    _ name: String, to folder: TemporaryFolder, renaming: (String) -> String? = { $0 },
    _ fields: [String: JSONValue] = [:]
  ) throws -> URL {
    let source = Fixtures.url("encoders/" + name)
    let weights = try SafetensorsFile(path: source.appending(path: "model.safetensors").path)
    var writer = SafetensorsWriter()
    for tensor in weights.tensors {
      guard let name = renaming(tensor.name) else { continue }
      writer.add(name, shape: tensor.shape, values: try weights.floats(tensor.name))
    }
    try writer.write(to: folder.url.appending(path: "model.safetensors"))
    var config = try #require(try JSONValue(contentsOf: source.appending(path: "config.json")).objectValue)
    for (field, value) in fields { config[field] = value }
    try JSONValue.object(config).write(to: folder.url.appending(path: "config.json"))
    return folder.url
  }

  @Test(arguments: names)
  func classifiersEqualTransformers(_ name: String) throws {
    let golden = try GoldenModel(name)
    let model = try TaskModel(directory: golden.directory)
    #expect(model.config.architecture.rawValue == name)
    #expect(model.loadReport?.fresh == [] && model.loadReport?.ignored == [])
    let output = model(golden.batch, seeing: [.hiddenStates, .attentionProbabilities], in: .inference)
    #expect(try golden.difference(output.logits.values, "logits") < GoldenModel.forwardTolerance)
    try golden.expectStates(output)
    let plain = model(golden.batch, in: .inference)
    #expect(plain.encoder.holdsFirstRowsOnly)
    #expect(try golden.difference(plain.logits.values, "logits") < GoldenModel.forwardTolerance)
  }

  @Test(arguments: names, [[Seen](), [.hiddenStates]])
  func gradientsEqualPyTorch(_ name: String, _ seen: [Seen]) throws {
    let golden = try GoldenModel(name)
    let model = try TaskModel(directory: golden.directory)
    let labels = try golden.golden.integers("labels").map(Int32.init)
    let context = Context(tape: Tape())
    let output = model(golden.batch, seeing: seen, in: context)
    let loss = output.logits.softmaxCrossEntropy(labels: labels)
    #expect(try golden.difference([loss.item], "loss") < GoldenModel.forwardTolerance)
    context.tape?.backward(from: loss)
    try golden.expectGradients(of: model.parameters, frozenRow: name == "roberta" ? 1 : nil)
  }

  @Test func everyPartDropsInTraining() throws {
    for name in Self.names {
      let folder = try TemporaryFolder()
      let golden = try GoldenModel(name)
      let fields =
        name == "distilbert"
        ? ["dropout", "attention_dropout"] : ["hidden_dropout_prob", "attention_probs_dropout_prob"]
      let head = name == "distilbert" ? "seq_classif_dropout" : "classifier_dropout"
      func logits(_ rates: [String: JSONValue]) throws -> [Float] {
        let model = try TaskModel(directory: copy(name, to: folder, rates))
        return model(golden.batch, in: Context(isTraining: true, random: RandomSource(seed: 1))).logits.values
      }
      var rates = Dictionary(uniqueKeysWithValues: (fields + [head]).map { ($0, JSONValue.double(0)) })
      #expect(try golden.difference(logits(rates), "logits") < GoldenModel.forwardTolerance)
      for field in fields + [head] {
        rates[field] = 0.5
        #expect(try golden.difference(logits(rates), "logits") > 0.01, "\(name) \(field)")
        rates[field] = 0
      }
    }
  }

  @Test func xlmRobertaIsRobertaByAnotherName() throws {
    let folder = try TemporaryFolder()
    let golden = try GoldenModel("roberta")
    let model = try TaskModel(directory: copy("roberta", to: folder, ["model_type": "xlm-roberta"]))
    #expect(
      try golden.difference(model(golden.batch, in: .inference).logits.values, "logits")
        < GoldenModel.forwardTolerance)
    #expect(model.config.json["architectures"] == ["XLMRobertaForSequenceClassification"])
    #expect(model.config.json["model_type"] == "xlm-roberta")
  }

  @Test(arguments: names)
  func bareEncodersLoad(_ name: String) throws {
    let folder = try TemporaryFolder()
    let golden = try GoldenModel(name)
    let directory = try copy(name, to: folder) {
      $0.hasPrefix(name + ".") ? String($0.dropFirst(name.count + 1)) : nil
    }
    let model = try TaskModel(directory: directory)
    let inner = name == "distilbert" ? "pre_classifier" : "classifier.dense"
    let outer = name == "distilbert" ? "classifier" : "classifier.out_proj"
    #expect(
      model.loadReport?.fresh == [inner + ".weight", inner + ".bias", outer + ".weight", outer + ".bias"])
    #expect(model.loadReport?.ignored == [] && model.startsWithFreshHead)
    try golden.expectStates(
      model(golden.batch, seeing: [.hiddenStates, .attentionProbabilities], in: .inference))
  }

  @Test(arguments: names)
  func savedDirectoriesLoadAgain(_ name: String) throws {
    let folder = try TemporaryFolder()
    let source = Fixtures.url("encoders/" + name)
    let model = try TaskModel(directory: source)
    try model.save(to: folder.url)
    let again = try TaskModel(directory: folder.url)
    #expect(again.config.json == model.config.json)
    #expect(again.parameters.map(\.name) == model.parameters.map(\.name))
    for (a, b) in zip(again.parameters, model.parameters) { #expect(a.values == b.values) }
    // Every field means the same as before, and nothing is left out.
    let before = try #require(try JSONValue(contentsOf: source.appending(path: "config.json")).objectValue)
    let after = try #require(try JSONValue(contentsOf: folder.url.appending(path: "config.json")).objectValue)
    for (field, value) in before where field != "label2id" { #expect(after[field] == value, "\(field)") }
    #expect(after["type_vocab_size"] == before["type_vocab_size"])
    let names = try SafetensorsFile(path: source.appending(path: "model.safetensors").path).tensors.map(
      \.name)
    let saved = try SafetensorsFile(path: folder.url.appending(path: "model.safetensors").path).tensors
    #expect(Set(saved.map(\.name)) == Set(names))
  }

  @Test(arguments: names)
  func newLabelsReplaceTheLastLayerOnly(_ name: String) throws {
    let model = try TaskModel(directory: Fixtures.url("encoders/" + name), labels: ["no", "yes"])
    let outer = name == "distilbert" ? "classifier" : "classifier.out_proj"
    #expect(model.loadReport?.fresh == [outer + ".weight", outer + ".bias"])
    #expect(model.startsWithFreshHead)
  }

  @Test(arguments: names)
  func studentsAreOfTheirTeachersKind(_ name: String) throws {
    let golden = try GoldenModel(name)
    let teacher = try TaskModel(directory: golden.directory)
    let copied = try TaskModel.student(.evenlySpaced(layerCount: 2), of: teacher)
    #expect(copied.loadReport?.fresh == [] && copied.loadReport?.ignored == [])
    #expect(
      try golden.difference(copied(golden.batch, in: .inference).logits.values, "logits")
        < GoldenModel.forwardTolerance)
    #expect(try TaskModel.student(from: teacher, layers: [1]).config.layerCount == 1)

    let fresh = try TaskModel.student(.preset(.tiny), of: teacher, seed: 3)
    #expect(fresh.config.architecture == teacher.config.architecture)
    #expect(fresh.config.maxPositions == 24 && fresh.config.labels == teacher.config.labels)
    let logits = fresh(golden.batch, in: .inference).logits
    #expect(logits.shape == [4, 3] && logits.values.allSatisfy(\.isFinite))
    let folder = try TemporaryFolder()
    try fresh.save(to: folder.url)
    let again = try TaskModel.student(.directory(folder.url.path), of: teacher)
    #expect(again.loadReport?.fresh == [])
    #expect(again(golden.batch, in: .inference).logits.values == logits.values)
    #expect(again.config.classifierDropout == fresh.config.classifierDropout)
  }

  @Test(
    arguments: [
      ("distilbert", "dim", 15), ("distilbert", "n_layers", 0), ("distilbert", "n_heads", "4"),
      ("distilbert", "hidden_dim", -1), ("distilbert", "seq_classif_dropout", 1),
      ("distilbert", "dropout", 2), ("distilbert", "activation", "maxout"),
      ("roberta", "pad_token_id", -1), ("roberta", "pad_token_id", 60),
      ("roberta", "pad_token_id", 9_223_372_036_854_775_807), ("roberta", "max_position_embeddings", 2),
      ("roberta", "max_position_embeddings", .integer(.min)), ("roberta", "type_vocab_size", 0),
      ("electra", "embedding_size", 0), ("electra", "hidden_size", 18),
    ] as [(String, String, JSONValue)])
  func faultyFieldsAreNamed(_ name: String, _ field: String, _ value: JSONValue) throws {
    let folder = try TemporaryFolder()
    let directory = try copy(name, to: folder, [field: value])
    do throws(ModelError) {
      _ = try TaskModel(directory: directory)
      Issue.record("accepted \(field) \(value.compactText)")
    } catch {
      let shown = field == "hidden_size" ? "num_attention_heads" : field == "dim" ? "n_heads" : field
      guard case .configuration(_, shown, _) = error else {
        Issue.record("\(error)")
        return
      }
    }
  }
}
