import Encoders
import Foundation
import ModelFormats
import TestSupport
import Testing

/// `--teacher-precision int8`: a teacher that answers in 8-bit integers, and what that costs.
@Suite struct IntegerTeacherTests {
  let world: TinyWorld
  let task: [String]
  let teacher: String

  init() throws {
    world = try TinyWorld(hidden: 32)
    task = ["--task", world.path("tiny.yaml"), "--data", world.path("data")]
    teacher = world.path("teacher")
    let run = potstill(
      ["train", "--model", world.path("base"), "--output", teacher, "--num_train_epochs", "2"] + task)
    try #require(run.code == 0, "\(run.messages)")
  }

  private func distill(_ output: String, _ more: [String]) -> ToolRun {
    potstill(
      ["distill", "--student", "T1", "--output", world.path(output), "--max-steps", "6", "--seed", "3"] + task
        + more)
  }

  private func weights(_ name: String) throws -> Data {
    try Data(contentsOf: URL(filePath: world.path(name + "/model.safetensors")))
  }

  /// The integers' score stands beside that of the floats, and both are what those models score.
  @Test(arguments: [[], ["--match", "uniform"], ["--match", "uniform", "--cache-teacher-logits"]])
  func itsDropIsInTheTableAndTheResults(_ more: [String]) throws {
    // Two runs of another number of threads differ in their last bits.
    try FixedThreads.run {
      let run = distill("small", ["--teacher", teacher, "--teacher-precision", "int8"] + more)
      try #require(run.code == 0, "\(run.messages)")
      let results = try JSONValue(contentsOf: URL(filePath: world.path("small/all_results.json")))
      let float = try #require(results["teacher_eval_accuracy"]?.doubleValue)
      let small = try #require(results["teacher_int8_eval_accuracy"]?.doubleValue)
      #expect(results["teacher_int8_drop_accuracy"]?.doubleValue == float - small)
      let folder = world.folder.appending(path: "integers")
      try TaskModel(directory: URL(filePath: teacher)).quantized().save(to: folder)
      for name in ["vocab.txt", "tokenizer.json", "tokenizer_config.json"] {
        try FileManager.default.copyItem(atPath: teacher + "/" + name, toPath: folder.path + "/" + name)
      }
      let scored = potstill(["evaluate", "--model", folder.path, "--json"] + task)
      try #require(scored.code == 0, "\(scored.messages)")
      #expect(try JSONValue(parsing: scored.output)["eval_accuracy"]?.doubleValue == small)
      #expect(run.output.contains("teacher (int8) "), "\(run.output)")
      #expect(try world.text("small/recipe.yaml").contains("teacher_precision: int8"))

      // The student begins with the float layers and ends elsewhere than one of the float teacher.
      let plain = distill("plain", ["--teacher", teacher] + more)
      try #require(plain.code == 0, "\(plain.messages)")
      #expect(try weights("plain") != weights("small"))
      #expect(!plain.output.contains("(int8)"))
      let first = try JSONValue(contentsOf: URL(filePath: world.path("plain/all_results.json")))
      #expect(
        first["teacher_int8_eval_accuracy"] == nil && first["teacher_eval_accuracy"]?.doubleValue == float)

      // The recipe repeats the run to the bit.
      let again = potstill(["distill", world.path("small/recipe.yaml"), "--output", world.path("again")])
      try #require(again.code == 0, "\(again.messages)")
      #expect(try weights("again") == weights("small"))
    }
  }

  @Test func aCacheOfOneIsNotTakenForTheOther() throws {
    func cache(_ output: String, _ more: [String]) -> ToolRun {
      potstill(["cache", "--teacher", teacher, "--output", world.path(output), "--json"] + task + more)
    }
    let built = cache("answers", ["--teacher-precision", "int8"])
    try #require(built.code == 0, "\(built.messages)")
    let summary = try JSONValue(parsing: built.output)
    #expect(summary["precision"]?.stringValue == "int8")
    let accuracy = try JSONValue(parsing: world.text("teacher/all_results.json"))["eval_accuracy"]
    #expect(summary["teacher_eval_float32_accuracy"] == accuracy && summary["teacher_eval_accuracy"] != nil)
    let other = cache("answers", [])
    #expect(
      other.code == 1 && other.messages.contains("a teacher in int8, but those of one in float32"),
      "\(other.messages)")

    let answers = ["--teacher-cache", world.path("answers")]
    let plain = ["--student", world.path("base")] + answers
    for wrong in [["--teacher", teacher] + answers, plain] {
      let run = distill("wrong", wrong)
      #expect(run.code == 1 && run.messages.contains("say --teacher-precision int8"), "\(run.messages)")
    }
    let with = distill("with", ["--teacher", teacher, "--teacher-precision", "int8"] + answers)
    try #require(with.code == 0, "\(with.messages)")
    let without = distill("without", plain + ["--teacher-precision", "int8"])
    try #require(without.code == 0, "\(without.messages)")

    let whole = cache("floats", [])
    try #require(whole.code == 0, "\(whole.messages)")
    let swapped = distill(
      "swapped",
      ["--teacher", teacher, "--teacher-precision", "int8", "--teacher-cache", world.path("floats")])
    #expect(swapped.code == 1 && swapped.messages.contains("float32"), "\(swapped.messages)")
  }

  @Test func multitaskTakesIt() throws {
    let entry =
      "  - {task: \(world.path("tiny.yaml")), data: \(world.path("data")), teacher: \(teacher), name: NAME}\n"
    let recipe =
      "student: T1\nmax_steps: 4\nteacher_precision: int8\ntasks:\n" + entry.replacing("NAME", with: "one")
      + entry.replacing("NAME", with: "two")
    try Data(recipe.utf8).write(to: world.folder.appending(path: "recipe.yaml"))
    let run = potstill(["multitask", world.path("recipe.yaml"), "--output", world.path("both")])
    try #require(run.code == 0, "\(run.messages)")
    let results = try JSONValue(parsing: world.text("both/one/all_results.json"))
    #expect(results["teacher_int8_drop_accuracy"] != nil)
    #expect(try world.text("both/recipe.yaml").contains("teacher_precision: int8"))
  }

  @Test func whatHasNoIntegersSaysSo() throws {
    let theseus = distill("out", ["--teacher", teacher, "--teacher-precision", "int8", "--theseus"])
    #expect(
      theseus.code == 1 && theseus.messages.contains("leave out --teacher-precision"), "\(theseus.messages)")
    let file = world.folder.appending(path: "answers.jsonl")
    try Data("{\"index\": 0, \"label\": \"positive\"}\n".utf8).write(to: file)
    let stated = distill(
      "out", ["--teacher", file.path, "--student-from", teacher, "--teacher-precision", "int8"])
    #expect(
      stated.code != 0 && stated.messages.contains("--teacher-precision is about"), "\(stated.messages)")
  }
}
