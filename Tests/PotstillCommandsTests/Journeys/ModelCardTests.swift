import Datasets
import Foundation
import ModelFormats
import Potstill
import TestSupport
import Testing
import Yams

/// `README.md` of run folders.
@Suite struct ModelCardTests {
  let world: TinyWorld
  let task: [String]

  init() throws {
    world = try TinyWorld()
    task = [
      "--task", world.path("tiny.yaml"), "--data", world.path("data"), "--num-train-epochs", "2",
      "--logging-steps", "2",
    ]
  }

  private func run(_ arguments: [String]) throws -> ToolRun {
    let run = potstill(arguments)
    try #require(run.code == 0, "\(run.messages)")
    return run
  }

  private func head(of path: String) throws -> JSONValue {
    let text = try world.text(path + "/README.md")
    // Nothing of the machine: neither its folders nor what it measured.
    for word in [world.folder.lastPathComponent, "/tmp", "seconds", "speed", "latency"] {
      #expect(!text.contains(word), "\(word): \(text)")
    }
    let parts = text.components(separatedBy: "---\n")
    try #require(parts.count >= 3, "\(text)")
    return JSONValue(try #require(try Yams.compose(yaml: parts[1])))
  }

  private func exists(_ name: String) -> Bool { FileManager.default.fileExists(atPath: world.path(name)) }

  @Test func trainAndDistilWithABaseline() throws {
    try Data("---\nlicense: mit\nlanguage: en\n---\n".utf8)
      .write(to: URL(filePath: world.path("base/README.md")))
    _ = try run(["train", "--model", world.path("base"), "--output", world.path("teacher")] + task)
    let teacher = try head(of: "teacher")
    #expect(
      teacher["license"] == "mit" && teacher["language"] == "en"
        && teacher["pipeline_tag"] == "text-classification")
    #expect(
      teacher["tags"] == ["generated_from_trainer", "potstill"] && teacher["metrics"] == ["accuracy", "f1"])
    let trained = try world.text("teacher/README.md")
    #expect(
      trained.contains("`teacher` is `base`, fine-tuned with Potstill for the task tiny."), "\(trained)")
    #expect(trained.contains("| negative | ") && trained.contains("### Training results"), "\(trained)")

    _ = try run(
      [
        "distill", "--teacher", world.path("teacher"), "--student", "T1", "--baseline", "--hard-label-weight",
        "0.5",
        "--match", "uniform", "--unlabelled-file", world.path("data/more.tsv"), "--output",
        world.path("student"),
      ] + task)
    let student = try head(of: "student")
    // The teacher's card says the license on.
    #expect(student["license"] == "mit")
    #expect(student["tags"] == ["generated_from_trainer", "potstill", "distillation"])
    let scores = try JSONValue(parsing: world.text("student/all_results.json"))
    let values = student["model-index"]?.arrayValue?[0]["results"]?.arrayValue?[0]["metrics"]?.arrayValue
    #expect(
      values?.map { $0["value"]?.doubleValue } == [
        scores["eval_accuracy"]?.doubleValue, scores["eval_f1"]?.doubleValue,
      ])
    let text = try world.text("student/README.md")
    for part in [
      "`student` is a student of `teacher`, made by knowledge distillation with Potstill for the task tiny. It began with "
        + "layers of `teacher`.",
      "It has 1 layer of 16 features", "37 rows, 5 of them without labels, and was scored on 8.",
      "| teacher (teacher) | 2 | ", "| student, without a teacher | 1 | ", "| student | 1 | ",
      "teacher  teacher: 2 layers of 16", "match    ", "loss     1 × KD", "```python\n",
      "| Training Loss | Epoch | Step | Validation Loss | Accuracy | F1 |",
    ] { #expect(text.contains(part), "\(part): \(text)") }
    #expect(!text.contains("\ncache ") && !text.contains("\nsaved "))
    let baseline = try head(of: "student/baseline")
    #expect(baseline["tags"] == ["generated_from_trainer", "potstill"])
    #expect(try world.text("student/baseline/README.md").contains("32 labelled rows, and was scored on 8."))
  }

  @Test func whatTheUserWroteStays() throws {
    let output = world.path("out")
    let distill =
      ["distill", "--teacher", world.path("base"), "--student", "T1", "--baseline", "--output", output] + task
    _ = try run(distill)
    let cards = try ["out", "out/baseline"].map { try world.text($0 + "/README.md") }
    // A card that a run has written makes room for the next one's.
    _ = try run(distill + ["--overwrite-output-dir"])
    #expect(try ["out", "out/baseline"].map { try world.text($0 + "/README.md") } == cards)
    for place in ["out", "out/baseline"] {
      try Data("# Mine\n".utf8).write(to: URL(filePath: world.path(place + "/README.md")))
    }
    let again = try run(distill + ["--overwrite-output-dir"])
    for place in ["out", "out/baseline"] { #expect(try world.text(place + "/README.md") == "# Mine\n") }
    #expect(
      again.messages.contains("README.md is not one that a run has written, so it stays"), "\(again.messages)"
    )
  }

  /// A run that is refused or fails leaves no card that passes for its own.
  @Test func theCardOfAnOlderRunGoesWithItsModel() throws {
    let train = ["train", "--model", world.path("base"), "--output", world.path("out")] + task
    _ = try run(train)
    let failed = potstill(train + ["--overwrite-output-dir", "--learning-rate", "1e30"])
    #expect(
      failed.code != 0 && !exists("out/model.safetensors") && !exists("out/README.md"), "\(failed.messages)")
  }

  @Test func aResumedRunWritesTheSameCard() throws {
    try FixedThreads.run {
      let distill =
        [
          "distill", "--teacher", world.path("base"), "--student", "T1", "--match", "uniform",
          "--save-strategy", "steps",
          "--save-steps", "4", "--save-total-limit", "9", "--output", world.path("out"),
        ] + task
      _ = try run(distill)
      let card = try world.text("out/README.md")
      for name in ["README.md", "checkpoint-8", "model.safetensors"] {
        try FileManager.default.removeItem(atPath: world.path("out/" + name))
      }
      _ = try run(distill + ["--resume-from-checkpoint", "last"])
      #expect(try world.text("out/README.md") == card)
    }
  }

  @Test func severalTasksHaveACardEach() throws {
    let recipe = """
      student: T1
      output: \(world.path("both"))
      num_train_epochs: 1
      tasks:
        - {task: \(world.path("tiny.yaml")), name: one, data: \(world.path("data")), teacher: \(world.path("base"))}
        - {task: \(world.path("tiny.yaml")), name: two, data: \(world.path("data"))}

      """
    try Data(recipe.utf8).write(to: world.folder.appending(path: "both.yaml"))
    _ = try run(["multitask", world.path("both.yaml"), "--baseline"])
    let one = try head(of: "both/one")
    #expect(one["tags"] == ["generated_from_trainer", "potstill", "distillation", "multi-task"])
    #expect(try head(of: "both/two")["tags"] == ["generated_from_trainer", "potstill", "multi-task"])
    #expect(try head(of: "both/baseline/one")["model-index"]?.arrayValue?.count == 1)
    let text = try world.text("both/one/README.md")
    #expect(text.contains("Its encoder was trained for other tasks at the same time: two."), "\(text)")
    #expect(text.contains("| 1.0 | ") && !exists("both/README.md"), "\(text)")
  }

  @Test func aPretrainedModelHasOne() throws {
    let lines = TinyWorld.things.flatMap { thing in TinyWorld.goodWords.map { "the \(thing) was \($0) ." } }
    try Data((lines.joined(separator: "\n") + "\n").utf8).write(to: URL(filePath: world.path("text.txt")))
    _ = try run([
      "pretrain", "--model", world.path("base"), "--input", world.path("text.txt"), "--validation-file",
      world.path("text.txt"), "--max-seq-length", "16", "--num-train-epochs", "1", "--line-by-line",
      "--output",
      world.path("words"),
    ])
    let card = try head(of: "words")
    #expect(card["pipeline_tag"] == "fill-mask" && card["metrics"] == ["perplexity", "accuracy"])
    let text = try world.text("words/README.md")
    #expect(
      text.contains("pre-trained with Potstill on the text of `text.txt`. It began with `base`."), "\(text)")
    #expect(
      text.contains("20 sequences, and was scored on 20.") && text.contains("line_by_line: true"), "\(text)")
    _ = try run([
      "pretrain", "--teacher", world.path("words"), "--student", "T1", "--input", world.path("text.txt"),
      "--max-seq-length", "16", "--num-train-epochs", "1", "--output", world.path("small"),
    ])
    #expect(try head(of: "small")["tags"] == ["generated_from_trainer", "potstill", "distillation"])
    #expect(try world.text("small/README.md").contains("alpha_ce: 5"))
  }

  @Test(arguments: [
    ("mrpc", "text-classification"), ("stsb", "text-classification"),
    ("stsb-similarity", "sentence-similarity"),
    ("conll2003", "token-classification"), ("squad_v2", "question-answering"),
  ])
  func everyKindOfTask(name: String, pipeline: String) throws {
    let task = try TaskFilesTests.catalog.definition(of: name)
    try SampleRows(task: task).write(to: world.folder.appending(path: "rows"))
    _ = try run([
      "train", "--model", world.path("base"), "--task", name, "--data", world.path("rows"), "--max-steps",
      "2", "--output",
      world.path("out"),
    ])
    let card = try head(of: "out")
    #expect(card["pipeline_tag"]?.stringValue == pipeline && card["language"] == "en")
    #expect(card["datasets"] == .array([.string(try #require(task.datasetName))]))
    #expect(card["model-index"]?.arrayValue?.count == 1)
  }

  /// The Swift that cards show, on models of a run.
  @Test func theProgramsOfCardsCompile() throws {
    _ = try run(["train", "--model", world.path("base"), "--output", world.path("out")] + task)
    let classifier = try Classifier(directory: URL(filePath: world.path("out")))
    let answer = try classifier("a gripping, funny film")
    #expect(answer.labels.count == 1 && answer.probabilities.count == 2)
    let model = try TokenizedModel(world.path("out"))
    let texts = [TextExample(text: "the film was good", pair: "the soup was fine")]
    let examples = try model.encode(texts, limit: model.lengthLimit())
    let batch = Batch(examples, at: [0]).tokens
    #expect(model.model(batch, in: .inference).logits.values.count == 2)
    let two = try model.encode(["a", "b"].map { TextExample(text: $0) }, limit: model.lengthLimit())
    let pair = Batch([EncodedExample(first: two[0], second: two[1])], at: [0]).tokens
    #expect(model.model(pair, in: .inference).logits.values.count == 4)
    let started = try TaskModel(
      directory: URL(filePath: world.path("out")), head: .sequenceClassification, labels: ["bad", "good"])
    #expect(started.parameterCount > 0)
  }
}
