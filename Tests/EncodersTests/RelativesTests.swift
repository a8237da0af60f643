import Encoders
import Foundation
import ModelFormats
import Tensors
import TestSupport
import Testing
import Tokenization

/// RoBERTa, XLM-R, ELECTRA and DistilBERT against `transformers` (see make_encoder_fixtures.py).
@Suite struct RelativesTests {
  private static let names = ["roberta", "xlm-roberta", "electra", "distilbert"]

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
    try golden.expectGradients(of: model.parameters, frozenRow: name.hasSuffix("roberta") ? 1 : nil)
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

  @Test(
    arguments: [
      ("roberta", "xlm-roberta", "XLMRoberta"), ("roberta", "camembert", "Camembert"),
      ("xlm-roberta", "camembert", "Camembert"), ("xlm-roberta", "roberta", "Roberta"),
    ])
  func relativesOfRobertaAreOneBody(_ name: String, _ type: String, _ className: String) throws {
    let folder = try TemporaryFolder()
    let golden = try GoldenModel(name)
    let model = try TaskModel(directory: copy(name, to: folder, ["model_type": .string(type)]))
    #expect(
      try golden.difference(model(golden.batch, in: .inference).logits.values, "logits")
        < GoldenModel.forwardTolerance)
    #expect(model.config.json["architectures"] == [.string(className + "ForSequenceClassification")])
    #expect(model.config.json["model_type"] == .string(type))
  }

  @Test func oneScoreOfARerankerLoadsAndSaves() throws {
    // bge-reranker-v2-m3 has one label and says no problem_type.
    let folder = try TemporaryFolder()
    let source = try copy("xlm-roberta", to: folder)
    let random = try TaskModel(directory: source, labels: ["LABEL_0"])
    let saved = folder.url.appending(path: "reranker")
    try random.save(to: saved)
    var config = try #require(try JSONValue(contentsOf: saved.appending(path: "config.json")).objectValue)
    config["problem_type"] = nil
    try JSONValue.object(config).write(to: saved.appending(path: "config.json"))
    // Files for other kinds of vectors lie beside bge-m3's weights.
    for name in ["sparse_linear.pt", "colbert_linear.pt"] {
      try Data([1, 2, 3]).write(to: saved.appending(path: name))
    }
    let model = try TaskModel(directory: saved)
    #expect(model.config.labels == ["LABEL_0"] && model.config.problem == .regression)
    #expect(model.loadReport?.fresh == [] && model.loadReport?.ignored == [])
    let batch = try GoldenModel("xlm-roberta").batch
    let logits = model(batch, in: .inference).logits
    #expect(logits.shape == [4, 1] && logits.values == random(batch, in: .inference).logits.values)
  }

  @Test func longSequencesReadTheirOwnPositions() throws {
    // bge-m3's table: 8192 positions behind the rows of what comes before the first.
    let config = try EncoderConfig(json: [
      "model_type": "xlm-roberta", "max_position_embeddings": 8194, "type_vocab_size": 1, "vocab_size": 40,
      "hidden_size": 8, "num_hidden_layers": 1, "num_attention_heads": 1, "intermediate_size": 8,
      "initializer_range": 0.5, "pad_token_id": 1,
    ])
    #expect(config.maxPositions == 8192)
    let model = try TaskModel(config: config, seed: 2)
    func ends(_ ids: [Int32]) -> [Float] {
      let batch = TokenBatch(sequences: [(ids: ids, segments: [Int32](repeating: 0, count: ids.count))])
      return Array(model(batch, taps: ["embeddings"], in: .inference).values["embeddings"]?.values ?? [])
    }
    let long = ends([Int32](repeating: 7, count: 8192))
    let table = try #require(model.parameters.first { $0.name.contains("position_embeddings") }).values
    let word = try #require(model.parameters.first { $0.name.contains("word_embeddings") }).values
    let segment = try #require(model.parameters.first { $0.name.contains("token_type") }).values
    for place in [0, 1, 4095, 8191] {
      var row = (0..<8).map { word[7 * 8 + $0] + table[(place + 2) * 8 + $0] + segment[$0] }
      let mean = row.reduce(0, +) / 8
      row = row.map { $0 - mean }
      let deviation = (row.reduce(0) { $0 + $1 * $1 } / 8).squareRoot()
      for column in 0..<8 { #expect(abs(long[place * 8 + column] - row[column] / deviation) < 1e-5) }
    }
    let logits = model(
      TokenBatch(sequences: [([Int32](repeating: 7, count: 8192), [Int32](repeating: 0, count: 8192))]),
      in: .inference
    ).logits
    #expect(logits.values.allSatisfy { $0.isFinite })
  }

  @Test(arguments: names)
  func bareEncodersLoad(_ name: String) throws {
    let folder = try TemporaryFolder()
    let golden = try GoldenModel(name)
    let module = name.hasSuffix("roberta") ? "roberta." : name + "."
    let directory = try copy(name, to: folder) {
      $0.hasPrefix(module) ? String($0.dropFirst(module.count)) : nil
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
      ("xlm-roberta", "pad_token_id", 60), ("xlm-roberta", "max_position_embeddings", 2),
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
