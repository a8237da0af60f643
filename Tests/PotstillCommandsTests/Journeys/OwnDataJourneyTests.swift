import Foundation
import ModelFormats
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
