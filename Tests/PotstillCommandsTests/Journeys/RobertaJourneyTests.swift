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
    // As RoBERTa's own checkpoints have it; the class by itself strips nothing beside a mask.
    let mask: JSONValue = ["mask_token": ["content": "<mask>", "lstrip": true, "normalized": false]]
    try mask.write(to: folder.appending(path: "tokenizer_config.json"))
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

  @Test func teacherAndStudentMayReadOtherTokens() throws {
    let task = ["--task", world.path("tiny.yaml"), "--data", world.path("data")]
    let teacher = world.path("teacher")
    let trained = potstill(
      ["train", "--model", world.path("base"), "--output", teacher, "--num_train_epochs", "10", "--quiet"]
        + task)
    try #require(trained.code == 0, "\(trained.messages)")
    let distill = ["distill", "--teacher", teacher] + task
    let match = ["--match", #"{"layer_T": 2, "layer_S": 2, "loss": "hidden_mse"}"#]
    let run = potstill(
      distill + match + ["--student", world.path("roberta"), "--output", world.path("student"), "--json"])
    try #require(run.code == 0, "\(run.messages)")
    #expect(run.messages.contains("read different tokens"))
    #expect(try JSONValue(parsing: run.output)["eval_accuracy"]?.doubleValue ?? 0 >= 0.8)
    #expect(FileManager.default.fileExists(atPath: world.path("student/merges.txt")))

    // The same from answers that were kept.
    let built = potstill(
      ["cache", "--teacher", teacher, "--output", world.path("answers"), "--hidden-states", "2"] + task)
    try #require(built.code == 0, "\(built.messages)")
    let absent = potstill(
      ["distill", "--teacher-cache", world.path("answers"), "--student", world.path("roberta"), "--output"]
        + [world.path("absent"), "--num_train_epochs", "2"] + match + task)
    #expect(absent.code == 0, "\(absent.messages)")
    // A fresh shape with a tokenizer of its own; layers of the teacher have its tokens.
    let fresh = potstill(
      distill + ["--student", "T4-tiny", "--student-tokenizer", world.path("roberta"), "--dry-run", "--json"])
    #expect(fresh.code == 0, "\(fresh.messages)")
    let copied = potstill(
      distill + ["--student", "T1", "--student-tokenizer", world.path("roberta"), "--dry-run"])
    #expect(copied.code == 1 && copied.messages.contains("--student-tokenizer goes with a fresh shape"))
    let attention = potstill(
      distill + ["--student", world.path("roberta"), "--dry-run", "--match"]
        + [#"{"layer_T": 1, "layer_S": 1, "loss": "attention_mse"}"#])
    #expect(attention.code == 1 && attention.messages.contains("attention_mse compares token by token"))
  }
}
