import Encoders
import Foundation
import ModelFormats
import TestSupport
import Testing
import Tokenization

/// RoBERTa with its own kind of tokenizer, from the files of an older folder, through the commands.
@Suite struct RobertaJourneyTests {
  let world: TinyWorld

  init() throws {
    world = try TinyWorld()
    let folder = world.folder.appending(path: "roberta")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    for (name, fixture) in [("vocab.json", "byte_level_vocab.json"), ("merges.txt", "byte_level_merges.txt")]
    {
      try FileManager.default.copyItem(
        at: Fixtures.url("tokenization/\(fixture)"), to: folder.appending(path: name))
    }
    let tokenizer = try loadTokenizer(directory: folder)
    var config = EncoderConfig(
      vocabularySize: tokenizer.idLimit, hiddenSize: 16, layerCount: 2, attentionHeads: 2,
      intermediateSize: 32)
    config.architecture = .roberta
    config.padTokenID = 1
    config.segmentCount = 1
    config.maxPositions = 66
    config.initializerRange = 0.2
    config.hiddenDropout = 0
    config.attentionDropout = 0
    try TaskModel(config: config, seed: 1).save(to: folder)
  }

  @Test func trainDistillPredictTokenize() throws {
    let task = ["--task", world.path("tiny.yaml"), "--data", world.path("data"), "--quiet"]
    let (teacher, student) = (world.path("teacher"), world.path("student"))
    let trained = potstill(["train", "--model", world.path("roberta"), "--output", teacher, "--json"] + task)
    try #require(trained.code == 0, "\(trained.messages)")
    #expect(try JSONValue(parsing: trained.output)["eval_accuracy"]?.doubleValue ?? 0 >= 0.8)
    let distilled = potstill(
      ["distill", "--teacher", teacher, "--student", "T1", "--output", student, "--num_train_epochs", "2"]
        + task)
    try #require(distilled.code == 0, "\(distilled.messages)")
    for name in ["tokenizer.json", "tokenizer_config.json", "vocab.json", "merges.txt"] {
      #expect(FileManager.default.fileExists(atPath: student + "/" + name), "\(name) is missing.")
    }
    let predicted = potstill(["predict", "--model", student, "--json", "the film was good ."])
    #expect(predicted.code == 0, "\(predicted.messages)")
    #expect(try JSONValue(parsing: predicted.output)["label"]?.stringValue != nil)
    let tokens = potstill(["tokenize", "--model", student, "--json", "the <mask> film"])
    let original = potstill(["tokenize", "--model", world.path("roberta"), "--json", "the <mask> film"])
    #expect(tokens.output == original.output)
    #expect(tokens.output.contains("\" <mask>\""))
  }
}
