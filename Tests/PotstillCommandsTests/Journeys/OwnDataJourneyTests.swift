import Foundation
import ModelFormats
import TestSupport
import Testing

/// The journey of somebody with a CSV of three classes and no task file.
@Suite struct OwnDataJourneyTests {
  let world: TinyWorld

  init() throws {
    world = try TinyWorld()
    try write("tickets.csv", rows: 150)
    try write("dev.csv", rows: 45)
  }

  private func write(_ name: String, rows: Int, classes: [String] = ["good", "bad", "mixed"]) throws {
    var text = "id,comment,verdict\n"
    for index in 0..<rows {
      let (good, bad) = (TinyWorld.goodWords[index % 4], TinyWorld.badWords[(index / 2) % 4])
      let thing = TinyWorld.things[index % 5]
      let label = classes[index % classes.count]
      let words = label == "good" ? good : label == "bad" ? bad : "\(good), not \(bad)"
      text += "\(index),\"the \(thing) was \(words)\",\(label)\n"
    }
    try Data(text.utf8).write(to: world.folder.appending(path: name))
  }

  private func run(_ arguments: String..., fails: Int32 = 0) throws -> (output: String, messages: String) {
    let run = potstill(arguments)
    try #require(run.code == fails, "\(arguments): \(run.messages)")
    return (run.output, run.messages)
  }

  @Test func trainDistilAndEvaluateWithoutATaskFile() throws {
    let (train, dev) = (world.path("tickets.csv"), world.path("dev.csv"))
    let plan = try run("train", "--train-file", train, "--model", world.path("base"), "--dry-run")
    #expect(plan.output.contains("135 examples"))
    #expect(plan.messages.contains(#"the text is in the column "comment", the label in "verdict""#))
    #expect(plan.messages.contains("kind classification (another with --kind), 3 labels: bad, good, mixed"))
    #expect(plan.messages.contains("15 examples, held out of 150 to score on (10 %, seed 42)"))
    _ = try run(
      "train", "--train-file", train, "--validation-file", dev, "--model", world.path("base"), "--output",
      world.path("teacher"), "--num-train-epochs", "12", "--learning-rate", "2e-3", "--quiet")
    let distilled = try run(
      "distill", "--train-file", train, "--validation-file", dev, "--teacher", world.path("teacher"),
      "--student", "T1",
      "--output", world.path("student"), "--baseline", "--num-train-epochs", "6", "--learning-rate", "2e-3",
      "--quiet")
    #expect(distilled.output.contains("student/baseline"))
    // Rows of two classes are still those of a model of three.
    try write("two.csv", rows: 20, classes: ["good", "bad"])
    let scores = try run(
      "evaluate", "--validation-file", world.path("two.csv"), "--model", world.path("teacher"), "--json",
      "--quiet")
    let accuracy = try #require(JSONValue(parsing: scores.output)["eval_accuracy"]?.doubleValue)
    #expect(accuracy > 0.6, "chance is a third")
    // The run is repeated from its recipe, and its task is that of the same file.
    let again = try run("distill", world.path("student/recipe.yaml"), "--dry-run")
    #expect((again.output + again.messages).contains("tickets.csv: 150 examples"), "\(again)")
  }

  /// Train, dry run, distil, Ctrl-C, resume, predict and evaluate, as somebody does it who has read no page.
  @Test func theWholeWay() throws {
    // Wide, so that the signal comes before the end.
    let wide = try TinyWorld(hidden: 256)
    let tool = try #require(ToolProcess(), "the program potstill is not beside the tests; build it first")
    let (train, dev) = (world.path("tickets.csv"), world.path("dev.csv"))
    let teacher = world.path("teacher")
    _ = try run(
      "train", "--train-file", train, "--validation-file", dev, "--model", wide.path("base"), "--output",
      teacher,
      "--num-train-epochs", "2", "--learning-rate", "1e-4", "--quiet")
    func distil(_ output: String, _ more: String...) -> [String] {
      [
        "distill", "--train-file", train, "--validation-file", dev, "--teacher", teacher, "--student", "T1",
        "--baseline", "--num-train-epochs", "8", "--learning-rate", "1e-4", "--logging-steps", "1",
        "--threads",
        "1", "--output", world.path(output),
      ] + more
    }
    let plan = try run("distill", "--train-file", train, "--teacher", teacher, "--student", "T1", "--dry-run")
    #expect(plan.output.contains("steps    51") && plan.messages.contains("135 examples"), "\(plan)")
    let whole = FixedThreads.run(1) { potstill(distil("whole")) }
    try #require(whole.code == 0, "\(whole.messages)")

    let metrics = world.path("student/metrics.jsonl")
    let broken = tool.run(
      distil("student"), scratch: world.folder,
      limits: "(until [ -s \(metrics) ]; do sleep 0.02; done; kill -INT $$) & true")
    #expect(
      broken.code == 130 && broken.messages.contains("--resume-from-checkpoint last"), "\(broken.summary)")
    let resumed = FixedThreads.run(1) { potstill(distil("student", "--resume-from-checkpoint", "last")) }
    try #require(resumed.code == 0 && resumed.messages.contains("resuming from"), "\(resumed.messages)")
    for file in ["model.safetensors", "eval_predictions.tsv", "baseline/model.safetensors", "config.json"] {
      let pair = try ["whole", "student"].map {
        try Data(contentsOf: URL(filePath: world.path("\($0)/\(file)")))
      }
      // Compared first: the differences of large files would be looked for for hours.
      let isEqual = pair[0] == pair[1]
      #expect(isEqual, "\(file)")
    }

    let answers = world.path("answers.csv")
    _ = try run(
      "predict", "--model", world.path("student"), "--input", dev, "--output", answers, "--all-scores")
    let lines = try String(contentsOfFile: answers, encoding: .utf8).split(separator: "\n")
    #expect(
      lines[0]
        == "id,comment,verdict,prediction,probability,probability_bad,probability_good,probability_mixed")
    #expect(lines.count == 46 && lines[1].hasPrefix("0,the film was good,good,"))
    let scores = try run("evaluate", "--validation-file", dev, "--model", world.path("student"))
    for part in ["precision", "recall", "support", "true \\ predicted"] {
      #expect(scores.output.contains(part), "\(scores.output)")
    }
  }

  @Test func initPrintsATaskFileThatTrainTakes() throws {
    let yaml = try run("init", world.path("tickets.csv"), "--validation-split-percentage", "20").output
    #expect(
      yaml.contains("\nlabels: [\"bad\", \"good\", \"mixed\"]\n")
        && yaml.contains("validation_split_percentage: 20"))
    try Data(yaml.utf8).write(to: world.folder.appending(path: "tickets.yaml"))
    let plan = try run(
      "train", "--task", world.path("tickets.yaml"), "--model", world.path("base"), "--dry-run")
    #expect(plan.output.contains("120 examples"))
  }

  @Test func hintsThatContradictAreFaults() throws {
    let train = world.path("tickets.csv")
    func message(_ options: String..., code: Int32 = 1) -> String {
      let run = potstill(["train", "--model", world.path("base"), "--dry-run"] + options)
      #expect(run.code == code, "\(options): \(run.messages)")
      return run.messages
    }
    #expect(
      message("--train-file", train, "--label-column", "lable").contains(
        "the file has \"id\", \"comment\", \"verdict\""))
    #expect(message("--train-file", train, "--kind", "token_classification").contains("token_classification"))
    #expect(message(code: 64).contains("or --train-file, rows of your own"))
    let text = world.path("plain.txt")
    #expect(throws: Never.self) { try Data("one\ntwo\n".utf8).write(to: URL(filePath: text)) }
    #expect(message("--train-file", text).contains("plain text, which has no labels"))
    #expect(
      message("--train-file", world.path("none.csv")).contains("none.csv: cannot be read: no such file"))
  }
}
