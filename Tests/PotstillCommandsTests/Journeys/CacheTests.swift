import Encoders
import Foundation
import ModelFormats
import Testing

/// A teacher's answers on disk, from the command line.
@Suite struct CacheTests {
  let world: TinyWorld
  let task: [String]
  let teacher: String

  init() throws {
    world = try TinyWorld()
    task = ["--task", world.path("tiny.yaml"), "--data", world.path("data")]
    teacher = world.path("teacher")
    let run = potstill(
      ["train", "--model", world.path("base"), "--output", teacher, "--num_train_epochs", "2"] + task)
    try #require(run.code == 0, "\(run.messages)")
  }

  private static let match = #"{"layer_T": 2, "layer_S": 2, "loss": "hidden_mse"}"#

  private func exists(_ name: String) -> Bool { FileManager.default.fileExists(atPath: world.path(name)) }

  @Test func studentsLearnWhereTheTeacherIsNot() throws {
    let cache = ["cache", "--teacher", teacher, "--output", world.path("answers")] + task
    let dry = potstill(cache + ["--hidden-states", "0,-1", "--dry-run", "--json"])
    #expect(dry.code == 0 && !exists("answers"), "\(dry.messages)")
    let built = potstill(cache + ["--hidden-states", "0,-1", "--json"])
    try #require(built.code == 0, "\(built.messages)")
    #expect(built.output == dry.output)
    let summary = try JSONValue(parsing: built.output)
    #expect(summary["holds"]?.stringValue == "logits, embeddings, hidden states of layer 2")
    #expect(summary["examples"]?.intValue == 32)
    let accuracy = try JSONValue(parsing: world.text("teacher/all_results.json"))["eval_accuracy"]
    #expect(summary["teacher_eval_accuracy"] == accuracy)

    // The same again is done already; other layers are not replaced unasked.
    #expect(potstill(cache + ["--hidden-states", "0,2"]).messages.contains("holds these answers already"))
    let other = potstill(cache + ["--match", #"{"layer_T": 1, "layer_S": 1, "loss": "pkd"}"#])
    #expect(other.code == 1 && other.messages.contains("--overwrite-output-dir"), "\(other.messages)")

    // Once with the teacher, then without it.
    let distill = { (output: String, more: [String]) in
      potstill(
        [
          "distill", "--student", self.world.path("base"), "--output", self.world.path(output), "--match",
          Self.match, "--num_train_epochs", "3", "--json",
        ] + self.task + more)
    }
    let with = distill("with", ["--teacher", teacher, "--teacher-cache", world.path("answers")])
    try #require(with.code == 0, "\(with.messages)")
    try FileManager.default.removeItem(atPath: teacher)
    let without = distill("without", ["--teacher-cache", world.path("answers")])
    try #require(without.code == 0, "\(without.messages)")
    let weights = { (name: String) in
      try Data(contentsOf: URL(filePath: self.world.path(name + "/model.safetensors")))
    }
    #expect(try weights("with") == weights("without"))
    let results = try JSONValue(parsing: without.output)
    #expect(results["teacher_eval_accuracy"] == accuracy)
    // Killed before it had written its tokenizer, a cache is completed by its own command.
    try FileManager.default.copyItem(atPath: world.path("answers"), toPath: world.path("half"))
    for name in try FileManager.default.contentsOfDirectory(atPath: world.path("half"))
    where !name.hasSuffix(".cache") {
      try FileManager.default.removeItem(atPath: world.path("half/" + name))
    }
    let half = distill("none", ["--teacher-cache", world.path("half")])
    #expect(
      half.code == 1 && half.messages.contains("Run the same 'potstill cache' once more"), "\(half.messages)")
    // Two stages and a baseline from the same answers; the table has what the cache says of the teacher.
    let table = potstill(
      [
        "distill", "--student", world.path("base"), "--output", world.path("staged"), "--match", Self.match,
        "--num_train_epochs", "3", "--feature-epochs", "1", "--baseline", "--teacher-cache",
        world.path("answers"),
      ] + task)
    try #require(table.code == 0, "\(table.messages)")
    let heading = try #require(table.output.split(separator: "\n").firstIndex { $0.contains("sentences/s") })
    let rows = table.output.split(separator: "\n")[heading...].dropFirst()
    #expect(zip(rows, ["/teacher ", "/staged/baseline ", "/staged "]).allSatisfy { $0.contains($1) })
    #expect(rows.count == 3 && !table.output.contains("speed-up"), "\(table.output)")
    let score = try #require(accuracy?.doubleValue)
    #expect(rows.first?.contains(String(format: "%.4f", score)) == true, "\(table.output)")
    let parameters = try JSONValue(parsing: with.output)["teacher_parameters"]
    #expect(parameters != nil && results["teacher_parameters"] == parameters)
    #expect(try world.text("without/recipe.yaml").contains("teacher_cache: "))
    #expect(exists("answers/teacher.cache"))

    // What the cache cannot give is said before anything is written.
    for (student, more, message) in [
      ("T1", [], "made of the teacher's own layers"),
      (world.path("base"), ["--match", "first"], "lacks hidden states of layer 1"),
      (world.path("base"), ["--max-train-samples", "20"], "other texts"),
      (
        world.path("base"), ["--match", #"{"layer_T": 1, "layer_S": 1, "loss": "attention_mse"}"#],
        "lacks queries of layer 1"
      ),
    ] {
      let run = potstill(
        [
          "distill", "--student", student, "--output", world.path("no"), "--teacher-cache",
          world.path("answers"), "--overwrite-output-dir",
        ] + task + more)
      #expect(run.code == 1 && run.messages.contains(message), "\(run.messages)")
    }
    #expect(potstill(["distill", "--student", "T1"] + task).messages.contains("--teacher-cache"))
  }

  /// A teacher from elsewhere has no run folder that says how it does.
  @Test func aTeacherWithoutScoresIsMeasured() throws {
    let known = try JSONValue(parsing: world.text("teacher/all_results.json"))
    try FileManager.default.removeItem(atPath: world.path("teacher/all_results.json"))
    let built = potstill(
      ["cache", "--teacher", teacher, "--output", world.path("answers"), "--json"] + task)
    try #require(built.code == 0, "\(built.messages)")
    let summary = try JSONValue(parsing: built.output)
    for name in ["eval_accuracy", "eval_f1"] {
      #expect(known[name] != nil && summary["teacher_" + name] == known[name], "\(name)")
    }
    // Students will never see the teacher, so that it only guesses is said here.
    #expect(!built.messages.contains("warning"), "\(built.messages)")
    let guessing = potstill(
      ["cache", "--teacher", world.path("base"), "--output", world.path("guesses")] + task)
    #expect(
      guessing.code == 0 && guessing.messages.contains("warning: teacher: the accuracy of"),
      "\(guessing.messages)")
    // Texts stand to the left, numbers below each other.
    let table = guessing.output.split(separator: "\n").map(String.init)
    let column = "teacher_eval_accuracy  ".count
    #expect(table.contains("holds".padding(toLength: column, withPad: " ", startingAt: 0) + "logits"))
    let numbers = table.filter { $0.hasPrefix("examples") || $0.hasPrefix("tokens") || $0.hasPrefix("bytes") }
    #expect(numbers.count == 3 && Set(numbers.map(\.count)).count == 1, "\(guessing.output)")

    // Answers need no validation rows, unless they were asked for.
    try FileManager.default.removeItem(atPath: world.path("data/dev.tsv"))
    let unchecked = ["cache", "--teacher", teacher, "--output", world.path("unchecked")] + task
    let named = potstill(unchecked + ["--validation-file", world.path("data/dev.tsv")])
    #expect(named.code == 1 && !exists("unchecked"), "\(named.messages)")
    let run = potstill(unchecked)
    #expect(run.code == 0 && run.messages.contains("not checked without validation rows"), "\(run.messages)")
    #expect(exists("unchecked/teacher.cache"))
  }

  @Test func aRunKeepsLayersInItsFolderUntilItsEnd() throws {
    func distill(_ output: String, _ more: [String]) -> ToolRun {
      potstill(
        [
          "distill", "--teacher", teacher, "--student", "T1", "--output", world.path(output), "--match",
          #"{"layer_T": 2, "layer_S": 1, "loss": "hidden_mse"}"#,
        ] + task + more)
    }
    let dry = distill("dry", ["--dry-run", "--num_train_epochs", "2"])
    #expect(
      dry.output.contains("\ncache    ") && dry.output.contains("kB in "), "\(dry.output)\(dry.messages)")
    #expect(dry.output.contains("teacher.cache until the end"))
    let kept = distill("kept", ["--num_train_epochs", "2"])
    #expect(kept.code == 0 && kept.messages.contains("deleted at the end"), "\(kept.messages)")
    #expect(!exists("kept/teacher.cache") && !exists("kept/teacher.cache.partial"))
    #expect(try world.text("kept/recipe.yaml").contains("cache_teacher_logits: true"))
    // One pass over the data asks once anyway.
    let once = distill("once", ["--num_train_epochs", "1"])
    #expect(once.code == 0 && !once.messages.contains("teacher.cache"), "\(once.messages)")
    // No room: asked in every step, or refused where a cache was wanted.
    let limit = ["--num_train_epochs", "2", "--max-cache-gb", "0.000001"]
    let asked = distill("asked", limit)
    #expect(asked.code == 0 && asked.messages.contains("more than 1.0 kB"), "\(asked.messages)")
    let refused = distill("refused", limit + ["--cache-teacher-logits"])
    #expect(refused.code == 1 && refused.messages.contains("--max-cache-gb"), "\(refused.messages)")
    #expect(!exists("refused"))
  }

  @Test func whatMatchesNeedIsFoundByDepth() throws {
    let cache = ["cache", "--teacher", teacher, "--dry-run", "--json"] + task
    func holds(_ more: [String]) throws -> String {
      let run = potstill(cache + more)
      return run.code == 0 ? try JSONValue(parsing: run.output)["holds"]?.stringValue ?? "" : run.messages
    }
    #expect(try holds([]) == "logits")
    #expect(
      try holds(["--hidden-states", "0,1,2"]) == "logits, embeddings, hidden states of layers 1, 2")
    #expect(try holds(["--match", "last"]).contains("--student"))
    #expect(
      try holds(["--match", "last", "--student", "T1"]) == "logits, embeddings, hidden states of layer 2")
    // The layers that a student is made of decide what it is compared with.
    #expect(
      try holds(["--match", "copied", "--student", "last:1"])
        == "logits, embeddings, hidden states of layer 2")
    #expect(
      try holds(["--match", "copied", "--student", "first:1"])
        == "logits, embeddings, hidden states of layer 1")
    #expect(
      try holds(["--match", #"{"layer_T": 1, "layer_S": 9, "loss": "pkd", "proj": ["linear", 8, 16]}"#])
        == "logits, hidden states of layer 1 ([CLS] only)")
    #expect(try holds(["--hidden-states", "0,3"]).contains("from 0 (the embeddings) to 2"))
    #expect(
      try holds(["--match", #"{"layer_T": 1, "layer_S": 1, "loss": "attention_ce"}"#])
        == "logits, queries of layer 1, keys of layer 1")
    #expect(try holds(["--max-cache-gb", "0.0000001"]).contains("would take"))
  }

  /// The presets' projections are from the width of TextBrewer's students, which a cache does not depend on.
  @Test func presetsWithProjectionsAreKept() throws {
    var config = try EncoderConfig(directory: URL(filePath: world.path("base")))
    config.layerCount = 12
    try TaskModel(config: config, seed: 2).save(to: URL(filePath: world.path("deep")))
    for name in ["vocab.txt", "tokenizer_config.json", "tokenizer.json"] where exists("base/" + name) {
      try FileManager.default.copyItem(atPath: world.path("base/" + name), toPath: world.path("deep/" + name))
    }
    let run = potstill(
      ["cache", "--teacher", world.path("deep"), "--match", "L4t_hidden_mse", "--dry-run", "--json"] + task)
    try #require(run.code == 0, "\(run.messages)")
    #expect(
      try JSONValue(parsing: run.output)["holds"]?.stringValue
        == "logits, embeddings, hidden states of layers 3, 6, 9, 12")
  }
}
