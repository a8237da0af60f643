import Encoders
import Foundation
import ModelFormats
import Tensors
import Testing
import Tokenization

/// What commands say of models and tokenizers that are broken, incomplete, or do not fit each other.
@Suite struct LoadedModelTests {
  let world: TinyWorld

  init() throws {
    world = try TinyWorld()
    try change("base", to: "trained") { _ in }
  }

  private func url(_ name: String) -> URL { world.folder.appending(path: name) }

  /// Saves a model of the world under another name with changed tensors and fields.
  private func change(
    _ name: String, to copy: String, _ fields: [String: JSONValue] = [:],
    _ body: (inout [String: (shape: [Int], values: [Float])]) -> Void
  ) throws {
    if copy != name {
      try? FileManager.default.removeItem(at: url(copy))
      try FileManager.default.copyItem(at: url(name), to: url(copy))
    }
    let path = url(copy).appending(path: "model.safetensors")
    let file = try SafetensorsFile(path: path.path)
    var tensors: [String: (shape: [Int], values: [Float])] = [:]
    for tensor in file.tensors { tensors[tensor.name] = (tensor.shape, try file.floats(tensor.name)) }
    body(&tensors)
    var writer = SafetensorsWriter()
    for (name, tensor) in tensors { writer.add(name, shape: tensor.shape, values: tensor.values) }
    try writer.write(to: path)
    let configURL = url(copy).appending(path: "config.json")
    var config = try #require(try JSONValue(contentsOf: configURL).objectValue)
    for (field, value) in fields { config[field] = value }
    try JSONValue.object(config).write(to: configURL)
  }

  private var task: [String] { ["--task", world.path("tiny.yaml"), "--data", world.path("data")] }

  private func train(_ model: String, to output: String, _ options: [String] = []) -> ToolRun {
    potstill(
      ["train", "--model", world.path(model), "--output", world.path(output), "--max-steps", "2"] + task
        + options)
  }

  @Test func halfOfAHeadIsRefusedByEveryCommand() throws {
    try change("trained", to: "half") { $0["bert.pooler.dense.bias"] = nil }
    let half = world.path("half")
    let distill = ["distill", "--output", world.path("out"), "--max-steps", "1"] + task
    for arguments in [
      ["predict", "--model", half, "the film"], ["evaluate", "--model", half] + task,
      ["compare", world.path("trained"), half] + task,
      ["cache", "--teacher", half, "--output", world.path("cache")] + task,
      distill + ["--teacher", half, "--student", "T1"],
      distill + ["--teacher", world.path("trained"), "--student", half],
      ["train", "--model", half, "--output", world.path("out")] + task,
    ] {
      let run = potstill(arguments)
      #expect(
        run.code == 1 && run.messages.contains("bert.pooler.dense.bias: missing"),
        "\(arguments): \(run.messages)")
      #expect(run.output.isEmpty)
    }
  }

  @Test func whatIsNotUsedIsSaidOnStandardError() throws {
    try change("trained", to: "deep", ["num_hidden_layers": 1]) { $0["odd\u{1B}[31m"] = ([1], [1]) }
    let run = potstill(["predict", "--model", world.path("deep"), "--json", "the film"])
    #expect(run.code == 0)
    #expect(
      run.messages.contains("17 tensors are not used by this model (bert.encoder.layer.1."), "\(run.messages)"
    )
    #expect(!run.messages.contains("\u{1B}") && run.messages.utf8.count < 600)
    #expect(
      !potstill(["predict", "--model", world.path("trained"), "the film"]).messages.contains("not used"))
    let entry = "  - {task: \(world.path("tiny.yaml")), data: \(world.path("data"))}\n"
    try Data(("tasks:\n" + entry + entry.replacing("{", with: "{name: b, ")).utf8).write(
      to: url("tasks.yaml"))
    for (student, isSaid) in [("deep", true), ("trained", false)] {
      let run = potstill(
        ["multitask", world.path("tasks.yaml"), "--student", world.path(student), "--dry-run"])
      #expect(run.code == 0, "\(run.messages)")
      #expect(
        run.messages.contains("17 tensors are not used by this model (bert.encoder.layer.1.") == isSaid,
        "\(run.messages)")
    }
  }

  @Test("scores of finite weights whose answers overflow are doubted")
  func doubtfulScores() throws {
    try change("trained", to: "huge") { tensors in
      let name = "bert.encoder.layer.0.attention.self.query.weight"
      let huge = (tensors[name]?.values ?? []).map { $0 * 1e38 }
      tensors[name]?.values = huge
    }
    let run = potstill(["evaluate", "--model", world.path("huge")] + task)
    #expect(run.code == 0 && run.messages.contains("answers are no numbers"), "\(run.messages)")
  }

  @Test func weightsThatAreNoNumbersAreRefusedUnlessAllowed() throws {
    try change("trained", to: "nan") { $0["bert.embeddings.word_embeddings.weight"]?.values[200] = .nan }
    let nan = world.path("nan")
    let distill = ["distill", "--output", world.path("out"), "--max-steps", "1"] + task
    let named = "NaN or infinite values (bert.embeddings.word_embeddings.weight: 1 of"
    let uses: [[String]] = [
      ["predict", "--model", nan, "the film"], ["evaluate", "--model", nan] + task,
      ["compare", world.path("trained"), nan] + task,
      ["cache", "--teacher", nan, "--output", world.path("cache")] + task,
      ["bench", "infer", "--shape", nan, "--steps", "1", "--batch", "1", "--length", "8"],
      distill + ["--teacher", nan, "--student", "T1"],
    ]
    for arguments in uses {
      let run = potstill(arguments)
      #expect(run.code == 1 && run.messages.contains(named), "\(arguments): \(run.messages)")
      #expect(run.messages.contains("--allow-nonfinite") && run.output.isEmpty)
    }
    for arguments in uses.prefix(5) {
      let run = potstill(arguments + ["--allow-nonfinite"])
      #expect(
        run.code == 0 && run.messages.contains("warning: \(nan): the weights hold \(named)"),
        "\(run.messages)")
    }
    // Nothing can start from them, whatever is allowed.
    for arguments in [
      ["train", "--model", nan, "--output", world.path("out")] + task,
      distill + ["--teacher", world.path("trained"), "--student", nan],
      ["pretrain", "--model", nan, "--input", world.path("tiny.yaml"), "--output", world.path("out")],
    ] {
      let run = potstill(arguments + ["--allow-nonfinite"])
      #expect(run.code == 1 && run.messages.contains(named), "\(arguments): \(run.messages)")
      #expect(run.messages.contains("from which nothing can be learnt"))
    }
    let inspected = potstill(["inspect", nan, "--json"])
    #expect(inspected.code == 0 && inspected.messages.contains("NaN or infinite values"))
    let counts = try JSONValue(parsing: inspected.output)["nonfinite"]
    #expect(counts == ["bert.embeddings.word_embeddings.weight": 1])
    #expect(!potstill(["inspect", world.path("trained")]).messages.contains("NaN"))
  }

  @Test func integersAnswerAndTeachAndAreNotTrained() throws {
    try change("trained", to: "int8") { _ in }
    try TaskModel(directory: url("trained")).quantized().save(to: url("int8"))
    let int8 = world.path("int8")
    for arguments in [
      ["predict", "--model", int8, "the film"], ["evaluate", "--model", int8] + task,
      ["compare", world.path("trained"), int8] + task, ["inspect", int8],
    ] {
      let run = potstill(arguments)
      #expect(run.code == 0, "\(arguments): \(run.messages)")
    }
    let distill = ["distill", "--max-steps", "1"] + task
    for arguments in [
      ["train", "--model", int8, "--output", world.path("out")] + task,
      distill + ["--teacher", world.path("trained"), "--student", int8, "--output", world.path("out")],
      ["pretrain", "--model", int8, "--input", world.path("tiny.yaml"), "--output", world.path("out")],
    ] {
      let run = potstill(arguments)
      #expect(
        run.code == 1 && run.messages.contains("8-bit integers, which cannot be trained"), "\(run.messages)")
    }
    // A student of an int8 teacher's layers is one of floats.
    let run = potstill(distill + ["--teacher", int8, "--student", "T1", "--output", world.path("student")])
    #expect(run.code == 0, "\(run.messages)")
    let student = try TaskModel(directory: url("student"))
    #expect(!student.isQuantized && student.config.layerCount == 1)
  }

  @Test func aRunThatEndsInNonFiniteWeightsIsNoSuccess() throws {
    let run = train("base", to: "diverged", ["--weight-decay", "1e308", "--learning-rate", "1"])
    #expect(run.code == 1, "\(run.messages)")
    #expect(!FileManager.default.fileExists(atPath: world.path("diverged/model.safetensors")))
  }

  @Test func lengthsBeyondTheModelAreSaid() throws {
    let run = potstill(["predict", "--model", world.path("trained"), "--max-seq-length", "512", "the film"])
    #expect(run.code == 0 && run.messages.contains("reads 32 tokens at most"), "\(run.messages)")
    #expect(
      !potstill(["predict", "--model", world.path("trained"), "--max-seq-length", "16", "a"]).messages
        .contains("at most"))
    let trained = train("base", to: "long", ["--max-seq-length", "512"])
    #expect(trained.code == 0 && trained.messages.contains("reads 32 tokens at most"), "\(trained.messages)")
    // What is saved tells Python where to cut.
    let saved = try JSONValue(contentsOf: url("long/tokenizer_config.json"))
    #expect(saved["model_max_length"] == 32)
  }

  /// Changes the tokenizer.json of a copy of the trained model.
  private func retokenize(_ copy: String, _ old: String, _ new: String) throws {
    try change("trained", to: copy) { _ in }
    let path = url(copy).appending(path: "tokenizer.json")
    let document = try JSONValue(contentsOf: path).compactText
    #expect(document.contains(old))
    try Data(document.replacing(old, with: new).utf8).write(to: path)
    let configuration: JSONValue = ["tokenizer_class": "PreTrainedTokenizerFast"]
    try configuration.write(to: url(copy).appending(path: "tokenizer_config.json"))
  }

  @Test func templatesThatTheModelHasNoRowsForAreRefused() throws {
    try retokenize("segments", #""id": "[CLS]", "type_id": 0"#, #""id": "[CLS]", "type_id": 1000000000"#)
    try retokenize("ids", #""ids": [2]"#, #""ids": [4000]"#)
    for (name, message) in [
      ("segments", "segment ids up to 1000000000, but the model has type_vocab_size 2"),
      ("ids", "the tokenizer has ids up to 4000"),
    ] {
      let path = world.path(name)
      for arguments in [
        ["predict", "--model", path, "the film"], ["evaluate", "--model", path] + task,
        ["train", "--model", path, "--output", world.path("out")] + task,
        ["cache", "--teacher", path, "--output", world.path("cache")] + task,
        ["distill", "--teacher", path, "--student", "T1", "--output", world.path("out")] + task,
        ["pretrain", "--model", path, "--input", world.path("tiny.yaml"), "--output", world.path("out")],
      ] {
        let run = potstill(arguments)
        #expect(run.code == 1 && run.messages.contains(message), "\(arguments): \(run.messages)")
      }
    }
  }

  @Test func pairsNeedASecondSegment() throws {
    try change("trained", to: "single", ["type_vocab_size": 1]) { tensors in
      let name = "bert.embeddings.token_type_embeddings.weight"
      if let table = tensors[name] { tensors[name] = ([1, 16], Array(table.values.prefix(16))) }
    }
    #expect(potstill(["predict", "--model", world.path("single"), "the film"]).code == 0)
    let model = try TaskModel(directory: url("single"), head: .questionAnswering, seed: 3)
    try model.save(to: url("reader"), tokenizer: loadTokenizer(directory: url("single")))
    let run = potstill(["predict", "--model", world.path("reader"), "the film", "the film was good ."])
    #expect(run.code == 1 && run.messages.contains("type_vocab_size 1"), "\(run.messages)")
  }

  @Test func outputsThatAreNoAnswerAreRefused() throws {
    try change(
      "trained", to: "one", ["id2label": ["0": "only"], "problem_type": "single_label_classification"]
    ) {
      for name in ["classifier.weight", "classifier.bias"] {
        if let tensor = $0[name] {
          $0[name] = ([1] + tensor.shape.dropFirst(), Array(tensor.values.prefix(tensor.values.count / 2)))
        }
      }
    }
    try change("trained", to: "several", ["problem_type": "regression"]) { _ in }
    for (name, message) in [
      ("one", "has one label, only, and problem_type single_label_classification"),
      ("several", "is a regression with 2 outputs"),
    ] {
      let run = potstill(["predict", "--model", world.path(name), "the film"])
      #expect(run.code == 1 && run.messages.contains(message), "\(run.messages)")
    }
    let regression = world.folder.appending(path: "score.yaml")
    let text = """
      name: score
      kind: regression
      train_file: train.tsv
      validation_file: dev.tsv
      text_column: sentence
      label_column: label

      """
    try Data(text.utf8).write(to: regression)
    let data = ["--task", regression.path, "--data", world.path("data")]
    for arguments in [
      ["evaluate", "--model", world.path("several")] + data,
      ["distill", "--teacher", world.path("several"), "--student", "T1", "--output", world.path("out")]
        + data,
      ["cache", "--teacher", world.path("several"), "--output", world.path("cache")] + data,
    ] {
      let run = potstill(arguments)
      #expect(run.code == 1 && run.messages.contains("is a regression with 2 outputs"), "\(run.messages)")
    }
    // A new task has outputs of its own.
    #expect(train("several", to: "again").code == 0)
    #expect(train("one", to: "again", ["--overwrite-output-dir"]).code == 0)
  }

  @Test func aVocabularyThatRepeatsTokensIsSaid() throws {
    try change("trained", to: "twice") { _ in }
    let folder = url("twice")
    for name in ["tokenizer.json", "tokenizer_config.json"] {
      try FileManager.default.removeItem(at: folder.appending(path: name))
    }
    var lines = try String(contentsOf: folder.appending(path: "vocab.txt"), encoding: .utf8).split(
      separator: "\n")
    lines[6] = lines[5]
    try Data(lines.joined(separator: "\n").utf8).write(to: folder.appending(path: "vocab.txt"))
    for arguments in [
      ["predict", "--model", folder.path, "the film"], ["tokenize", "--model", folder.path, "the"],
    ] {
      let run = potstill(arguments)
      #expect(
        run.code == 0
          && run.messages.contains(
            "the vocabulary has 1 lines whose token comes again later (such as \"the\")"),
        "\(run.messages)")
    }
  }

  @Test func aPipeInAFilesPlaceIsNotWaitedFor() throws {
    let pipe = world.path("pipe")
    #expect(mkfifo(pipe, 0o600) == 0)
    let pretrain = ["pretrain", "--tokenizer", world.path("base"), "--output", world.path("out")]
    for (arguments, text) in [
      (pretrain + ["--config", pipe, "--input", world.path("tiny.yaml")], "it is a named pipe"),
      (pretrain + ["--config", "T4-tiny", "--input", pipe], "it is a named pipe"),
      (
        ["distill", "--teacher", world.path("trained"), "--student", pipe, "--output", world.path("out")]
          + task,
        "is neither a folder nor a shape"
      ),
    ] {
      let run = potstill(arguments)
      #expect(run.code == 1 && run.messages.contains(text), "\(arguments): \(run.messages)")
    }
  }

  @Test func namesThatAreNothingAreNamed() throws {
    for name in ["T0", "T3-huge"] {
      let run = potstill(
        ["distill", "--teacher", world.path("trained"), "--student", name, "--output", world.path("out")]
          + task)
      #expect(
        run.code == 1 && run.messages.contains("\"\(name)\" is neither a folder nor a shape"),
        "\(run.messages)")
    }
    let run = potstill(["predict", "--model", world.path("nowhere"), "the film"])
    #expect(run.code == 1 && run.messages.contains("there is no such folder"), "\(run.messages)")
  }

  @Test func configurationsBeyondMemoryAreRefused() throws {
    let path = world.path("huge.json")
    for (field, value) in [
      ("hidden_size", 1 << 30), ("num_hidden_layers", 10_000), ("type_vocab_size", 2_147_483_647),
    ] {
      var object = JSONObject()
      object["model_type"] = "bert"
      (object["hidden_size"], object["num_attention_heads"]) = (64, 2)
      object[field] = .integer(value)
      try JSONValue.object(object).write(to: URL(filePath: path))
      let run = potstill([
        "pretrain", "--config", path, "--tokenizer", world.path("base"), "--input", world.path("tiny.yaml"),
        "--output",
        world.path("out"),
      ])
      #expect(run.code == 1 && run.messages.contains(String(value)), "\(run.messages)")
    }
  }
}
