import Encoders
import Foundation
import ModelFormats
import Tensors
import TestSupport
import Testing

/// Checkpoints of one head that another is asked of, and second names of shared weights.
@Suite struct HeadLoadingTests {
  private func copy(
    _ name: String, to folder: TemporaryFolder, _ fields: [String: JSONValue?] = [:],
    changing change: (inout [String: (shape: [Int], values: [Float])]) -> Void = { _ in }
  ) throws -> URL {
    let source = Fixtures.url("heads/" + name)
    let file = try SafetensorsFile(path: source.appending(path: "model.safetensors").path)
    var tensors: [String: (shape: [Int], values: [Float])] = [:]
    for tensor in file.tensors { tensors[tensor.name] = (tensor.shape, try file.floats(tensor.name)) }
    change(&tensors)
    var writer = SafetensorsWriter()
    for (name, tensor) in tensors { writer.add(name, shape: tensor.shape, values: tensor.values) }
    try writer.write(to: folder.url.appending(path: "model.safetensors"))
    var config = try #require(try JSONValue(contentsOf: source.appending(path: "config.json")).objectValue)
    for (field, value) in fields { config[field] = value }
    try JSONValue.object(config).write(to: folder.url.appending(path: "config.json"))
    return folder.url
  }

  @Test(arguments: HeadGoldenTests.architectures)
  func everyHeadStartsFromEveryOther(_ name: String) throws {
    for (source, stored) in HeadGoldenTests.heads {
      for head in TaskHead.allCases where head != stored {
        let model = try TaskModel(
          directory: Fixtures.url("heads/\(name)/\(source)"), head: head,
          labels: head.readsTokens ? nil : ["a", "b", "c"])
        let report = try #require(model.loadReport)
        // Only the vectors of sentences need no parameters.
        let hasParameters = head != .sentenceSimilarity
        #expect(model.head == head && model.startsWithFreshHead == hasParameters, "\(source) \(head)")
        #expect(
          report.fresh.isEmpty != hasParameters && report.fresh.allSatisfy { !$0.contains("embeddings") })
        #expect(!report.ignored.isEmpty)
        if head == .questionAnswering { #expect(model.config.labels == ["LABEL_0", "LABEL_1"]) }
        if head == .sequenceClassification { #expect(model.config.labels == ["a", "b", "c"]) }
        let folder = try TemporaryFolder()
        try model.save(to: folder.url)
        #expect(try TaskModel(directory: folder.url).loadReport?.fresh == [])
        #expect(try TaskModel(directory: folder.url).head == head)
      }
    }
  }

  @Test func aHeadOfTheSameNameAndShapeIsNotMistaken() throws {
    // Both are called classifier and have five rows.
    let labels = ["O", "B-PER", "I-PER", "B-LOC", "I-LOC"]
    let model = try TaskModel(
      directory: Fixtures.url("heads/bert/token"), head: .sequenceClassification, labels: labels)
    #expect(
      model.loadReport?.fresh == [
        "bert.pooler.dense.weight", "bert.pooler.dense.bias", "classifier.weight", "classifier.bias",
      ])
    let same = try TaskModel(directory: Fixtures.url("heads/bert/token"), labels: labels)
    #expect(same.head == .tokenClassification && same.loadReport?.fresh == [])
    let fewer = try TaskModel(directory: Fixtures.url("heads/bert/token"), labels: ["O", "X"])
    #expect(fewer.loadReport?.fresh == ["classifier.weight", "classifier.bias"])
    let answer = try TaskModel(directory: Fixtures.url("heads/bert/answer"), labels: ["a", "b", "c"])
    #expect(answer.head == .questionAnswering && answer.loadReport?.fresh == [])
  }

  @Test func preTrainingCheckpointsHoldTheMaskedHead() throws {
    let directory = Fixtures.url("encoders/pretraining")
    let model = try TaskModel(directory: directory, head: .maskedLanguageModel)
    #expect(model.loadReport?.fresh == [] && model.config.head == .maskedLanguageModel)
    #expect(model.loadReport?.ignored.contains("cls.seq_relationship.weight") == true)
    // The decoder is the word table once more, and so neither ignored nor a parameter of its own.
    #expect(model.loadReport?.ignored.contains("cls.predictions.decoder.weight") == false)
    #expect(model.parameters.count { $0.shape[0] == model.config.vocabularySize } == 2)
    let tokens = try TaskModel(directory: directory, head: .tokenClassification, labels: ["O", "X", "Y"])
    #expect(tokens.loadReport?.fresh == ["classifier.weight", "classifier.bias"])
    #expect(tokens.loadReport?.ignored.contains("bert.pooler.dense.weight") == true)
  }

  @Test(arguments: [
    (
      "bert/masked", "cls.predictions.decoder", "bert.embeddings.word_embeddings.weight",
      "cls.predictions.bias"
    ),
    ("roberta/masked", "lm_head.decoder", "roberta.embeddings.word_embeddings.weight", "lm_head.bias"),
  ])
  func sharedWeightsHaveTwoNames(_ name: String, _ decoder: String, _ words: String, _ bias: String) throws {
    let folder = try TemporaryFolder()
    let golden = try GoldenModel(name, in: "heads")
    let rows = try golden.golden.integers("rows").map(Int32.init)
    func expectGolden(_ directory: URL) throws {
      let model = try TaskModel(directory: directory)
      #expect(model.loadReport?.fresh == [] && model.loadReport?.ignored == [])
      let logits = model(golden.batch, rows: rows, in: .inference).logits
      #expect(try golden.difference(logits.values, "logits") < GoldenModel.forwardTolerance)
    }
    try expectGolden(
      copy(name, to: folder) {
        $0[decoder + ".weight"] = $0[words]
        $0[decoder + ".bias"] = $0[bias]
      })
    try expectGolden(
      copy(name, to: folder) {
        $0[decoder + ".weight"] = $0.removeValue(forKey: words)
        $0[decoder + ".bias"] = $0.removeValue(forKey: bias)
      })
    let untied = try copy(name, to: folder) {
      $0[decoder + ".weight"] = $0[words]
      $0[decoder + ".weight"]?.values[3] += 1
    }
    #expect(throws: ModelError.self) { try TaskModel(directory: untied) }
  }

  @Test(
    arguments: [
      ("bert/masked", "tie_word_embeddings", false), ("bert/token", "problem_type", "ranking"),
      ("bert/answer", "id2label", ["0": "a", "1": "b", "2": "c"]), ("distilbert/answer", "qa_dropout", 1),
    ] as [(String, String, JSONValue)])
  func faultyFieldsAreNamed(_ name: String, _ field: String, _ value: JSONValue) throws {
    let folder = try TemporaryFolder()
    let directory = try copy(name, to: folder, [field: value])
    do throws(ModelError) {
      _ = try TaskModel(directory: directory)
      Issue.record("accepted \(field) \(value.compactText)")
    } catch {
      guard case .configuration(_, field, _) = error else {
        Issue.record("\(error)")
        return
      }
    }
  }

  @Test func problemTypesFollowTheTask() throws {
    let regression = try TaskModel(directory: Fixtures.url("heads/bert/regression"))
    #expect(regression.config.problem == .regression && regression.config.labels == ["LABEL_0"])
    let source = Fixtures.url("heads/bert/multilabel")
    #expect(try TaskModel(directory: source).config.problemType == .multiLabel)
    let other = try TaskModel(directory: source, labels: ["a", "b"])
    #expect(other.config.problemType == nil && other.config.problem == .singleLabel)
    let asked = try TaskModel(directory: source, labels: ["score"], problemType: .regression)
    #expect(asked.config.json["problem_type"] == "regression" && asked.startsWithFreshHead)
    let config = EncoderConfig(
      vocabularySize: 9, hiddenSize: 4, layerCount: 1, attentionHeads: 1, intermediateSize: 4, labels: ["x"])
    #expect(config.problem == .regression && config.problemType == nil)
  }

  @Test(arguments: HeadGoldenTests.cases)
  func studentsHaveTheirTeachersHead(_ name: String, _ head: TaskHead) throws {
    let golden = try GoldenModel(name, in: "heads")
    let rows = golden.golden["rows"] == nil ? nil : try golden.golden.integers("rows").map(Int32.init)
    let teacher = try TaskModel(directory: golden.directory)
    let copied = try TaskModel.student(.evenlySpaced(layerCount: 1), of: teacher)
    #expect(copied.head == head && copied.loadReport?.ignored == [])
    let logits = copied(golden.batch, rows: rows, in: .inference).logits
    #expect(try golden.difference(logits.values, "logits") < GoldenModel.forwardTolerance)
    let fresh = try TaskModel.student(.preset(.tiny), of: teacher)
    #expect(fresh.head == head && fresh.config.problemType == teacher.config.problemType)
    #expect(fresh(golden.batch, rows: rows, in: .inference).logits.shape == logits.shape)
    let folder = try TemporaryFolder()
    try fresh.save(to: folder.url)
    let again = try TaskModel.student(.directory(folder.url.path), of: teacher)
    #expect(again.head == head && again.loadReport?.fresh == [])
  }
}
