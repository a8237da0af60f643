import Encoders
import Foundation
import ModelFormats
import TestSupport
import Testing
import Tokenization

/// Bodies of XLM-R and of BERT under a vocabulary of XLM-R's kind, through the commands.
@Suite struct MultilingualJourneyTests {
  let world: TinyWorld

  init() throws { world = try TinyWorld() }

  /// A model of a type with a vocabulary for the rows of the world, in a folder of the type's name.
  private func makeModel(_ type: String) throws {
    let folder = world.folder.appending(path: type)
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    let words = (["the", "was", "not"] + TinyWorld.goodWords + TinyWorld.badWords + TinyWorld.things).map {
      ("\u{2581}" + $0, -4.0)
    }
    let letters = "abcdefghijklmnopqrstuvwxyz.,".map { (String($0), -8.0) }
    try UnigramFolder.write(
      [("\u{2581}", -3)] + words + letters + [("北", -7), ("京", -7), ("ly", -6), ("never", -20)], to: folder)
    let tokenizer = try loadTokenizer(directory: folder)
    var object = JSONObject()
    object["model_type"] = .string(type)
    for (key, value) in [
      // As multilingual-e5-small, a BERT has rows that no token has, and two segments.
      ("vocab_size", tokenizer.idLimit + (type == "bert" ? 5 : 0)),
      ("type_vocab_size", type == "bert" ? 2 : 1),
      ("max_position_embeddings", type == "bert" ? 32 : 34), ("pad_token_id", type == "bert" ? 0 : 1),
      ("hidden_size", 16), ("num_hidden_layers", 2), ("num_attention_heads", 2), ("intermediate_size", 32),
    ] { object[key] = .integer(value) }
    (object["hidden_dropout_prob"], object["attention_probs_dropout_prob"]) = (0, 0)
    object["initializer_range"] = 0.2
    try TaskModel(config: EncoderConfig(json: .object(object)), seed: 1).save(to: folder)
  }

  private func expectDone(_ arguments: [String]) throws -> JSONValue {
    let run = potstill(arguments)
    try #require(run.code == 0, "\(arguments[0]): \(run.messages)")
    return run.output.isEmpty ? .null : try JSONValue(parsing: run.output)
  }

  @Test(arguments: ["xlm-roberta", "camembert", "bert"])
  func everyCommandTakesThem(_ type: String) throws {
    try makeModel(type)
    let task = ["--task", world.path("tiny.yaml"), "--data", world.path("data"), "--quiet"]
    let (teacher, student) = (world.path("teacher"), world.path("student"))
    let trained = try expectDone(
      ["train", "--model", world.path(type), "--output", teacher, "--json"] + task)
    #expect(trained["eval_accuracy"]?.doubleValue ?? 0 >= 0.8)

    // Matched, and from answers that were kept.
    let match = [
      "--match", #"{"layer_T": 2, "layer_S": 1, "loss": "hidden_mse"}"#,
      "--match", #"{"layer_T": 1, "layer_S": 1, "loss": "attention_mse"}"#,
    ]
    _ = try expectDone(
      [
        "distill", "--teacher", teacher, "--student", "T1", "--output", student, "--num_train_epochs", "2",
        "--json",
      ]
        + match + task)
    let config = try JSONValue(contentsOf: world.folder.appending(path: "student/config.json"))
    #expect(config["model_type"] == .string(type))
    let own = try loadTokenizer(directory: world.folder.appending(path: type))
    #expect(config["vocab_size"]?.intValue == own.idLimit + (type == "bert" ? 5 : 0))
    _ = try expectDone(
      ["cache", "--teacher", teacher, "--output", world.path("answers"), "--hidden-states", "2", "--json"]
        + task)
    _ = try expectDone(
      ["distill", "--teacher-cache", world.path("answers"), "--student", student, "--output"]
        + [world.path("again"), "--num_train_epochs", "1", "--json"] + task)
    _ = try expectDone(
      ["distill", "--teacher", teacher, "--student", "layers=1,ffn=50%", "--output", world.path("cut")]
        + ["--num_train_epochs", "1", "--json"] + task)

    // Its own tokens, saved and read again.
    let text = "the film was never good 北京!"
    let before = potstill(["tokenize", "--model", world.path(type), "--json", text])
    let after = potstill(["tokenize", "--model", student, "--json", text])
    #expect(before.code == 0 && before.output == after.output)
    let predicted = try expectDone(["predict", "--model", student, "--json", text])
    #expect(predicted["label"]?.stringValue != nil)

    // Without the tokens that the rows never have.
    _ = try expectDone(
      ["compress", "--model", teacher, "--methods", "vocab", "--distill", "none", "--keep-models", "--json"]
        + ["--output", world.path("smaller")] + task)
    let smaller = world.folder.appending(path: "smaller/1-vocab")
    let cut = try loadTokenizer(directory: smaller)
    #expect(cut.idLimit < own.idLimit && cut.unkID == 3 && cut.maskID == Int32(cut.idLimit - 1))
    #expect(
      cut.encode("the film was good .").tokens
        == (try loadTokenizer(directory: URL(filePath: teacher)))
        .encode("the film was good .").tokens)
    #expect(
      try JSONValue(contentsOf: smaller.appending(path: "config.json"))["vocab_size"]?.intValue == cut.idLimit
    )

    let exported = potstill(["export", student, "--onnx", "--output", world.path("onnx"), "--quiet"])
    #expect(exported.code == 0, "\(exported.messages)")
    let card = try world.text("student/README.md")
    #expect(card.contains("AutoTokenizer") || card.contains("transformers"), "\(card)")
  }

  @Test func teachersOfOtherTokensTeachThem() throws {
    try makeModel("xlm-roberta")
    let task = ["--task", world.path("tiny.yaml"), "--data", world.path("data"), "--quiet"]
    _ = try expectDone(
      [
        "train", "--model", world.path("base"), "--output", world.path("teacher"), "--num_train_epochs", "10",
        "--json",
      ]
        + task)
    let distilled = try expectDone(
      ["distill", "--teacher", world.path("teacher"), "--student", world.path("xlm-roberta"), "--output"]
        + [
          world.path("student"), "--match", #"{"layer_T": 2, "layer_S": 2, "loss": "hidden_mse"}"#, "--json",
        ] + task)
    #expect(distilled["eval_accuracy"]?.doubleValue ?? 0 >= 0.8)
  }

  @Test func pretrainingMakesAnXLMR() throws {
    try makeModel("xlm-roberta")
    let lines = TinyWorld.things.flatMap { thing in TinyWorld.goodWords.map { "the \(thing) was not \($0) ." }
    }
    try Data((lines.joined(separator: "\n") + "\n").utf8).write(to: world.folder.appending(path: "text.txt"))
    let results = try expectDone([
      "pretrain", "--input", world.path("text.txt"), "--tokenizer", world.path("xlm-roberta"), "--config",
      "T4-tiny",
      "--whole-word-mask", "--output", world.path("masked"), "--max_seq_length", "16", "--max-steps", "2",
      "--json",
    ])
    #expect(results["train_loss"]?.doubleValue?.isFinite ?? true)
    let config = try JSONValue(contentsOf: world.folder.appending(path: "masked/config.json"))
    #expect(config["architectures"] == ["XLMRobertaForMaskedLM"] && config["type_vocab_size"] == 1)
    #expect(config["pad_token_id"] == 1 && config["max_position_embeddings"]?.intValue == 514)
    let model = try TaskModel(directory: world.folder.appending(path: "masked"))
    #expect(model.loadReport?.fresh == [] && model.config.maxPositions == 512)
    // Its layers teach a smaller one.
    _ = try expectDone([
      "pretrain", "--input", world.path("text.txt"), "--teacher", world.path("masked"), "--student", "T1",
      "--output",
      world.path("small"), "--max_seq_length", "16", "--max-steps", "2", "--json",
    ])
  }
}
