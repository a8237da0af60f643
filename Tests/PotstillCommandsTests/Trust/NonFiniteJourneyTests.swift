import Foundation
import ModelFormats
import TestSupport
import Testing

/// Rows whose loss overflows, from the command line: a number of 1e30, whose square single precision does not hold.
@Suite struct NonFiniteJourneyTests {
  let world: TinyWorld

  init() throws {
    world = try TinyWorld()
    try Self.write(in: world)
  }

  /// A task of numbers, the one on line 6 too large.
  static func write(in world: TinyWorld) throws {
    var rows = ["sentence\tscore"]
    for (index, thing) in (TinyWorld.things + TinyWorld.things + TinyWorld.things).enumerated() {
      rows.append(
        "the \(thing) was \(TinyWorld.goodWords[index % 4]) .\t\(index == 4 ? "1e30" : "0.\(index)")")
    }
    try Data((rows.joined(separator: "\n") + "\n").utf8).write(
      to: world.folder.appending(path: "data/numbers.tsv"))
    let task = """
      name: numbers
      kind: regression
      train_file: numbers.tsv
      text_column: sentence
      label_column: score
      metrics: [mse]
      max_seq_length: 24

      """
    try Data(task.utf8).write(to: world.folder.appending(path: "numbers.yaml"))
  }

  private func train(_ output: String, _ more: [String]) -> ToolRun {
    potstill(
      [
        "train", "--task", world.path("numbers.yaml"), "--data", world.path("data"), "--model",
        world.path("base"),
        "--output", world.path(output), "--per-device-train-batch-size", "4", "--num-train-epochs", "2",
        "--logging-steps", "1", "--learning-rate", "1e-3",
      ] + more)
  }

  @Test func aRunEndsAndNamesTheRow() throws {
    let run = train("run", ["--save-strategy", "steps", "--save-steps", "1"])
    #expect(run.code == 1 && run.messages.contains("the loss is inf at step"), "\(run.messages)")
    #expect(run.messages.contains(world.path("data/numbers.tsv") + ":6"), "\(run.messages)")
    #expect(!FileManager.default.fileExists(atPath: world.path("run/model.safetensors")))
    let anomaly = train("watched", ["--detect-anomaly"])
    #expect(
      anomaly.code == 1 && anomaly.messages.contains("come out of meanSquaredError (output []"),
      "\(anomaly.messages)")
    #expect(anomaly.messages.contains("after the parameter classifier.weight"), "\(anomaly.messages)")
  }

  @Test func theUpdateIsLeftOutAndCounted() throws {
    let run = train("run", ["--on-nonfinite", "skip", "--json"])
    try #require(run.code == 0, "\(run.messages)")
    #expect(try JSONValue(parsing: run.output)["skipped_steps"] == 2)
    #expect(
      run.messages.contains("update left out: the loss is inf") && run.messages.contains("numbers.tsv:6"))
    #expect(run.messages.contains("2 of 8 updates were left out"), "\(run.messages)")
    #expect(try world.text("run/recipe.yaml").contains("on_nonfinite: skip"))
    let lines = try world.text("run/metrics.jsonl").split(separator: "\n").map {
      try JSONValue(parsing: String($0))
    }
    #expect(lines.last?["skipped_steps"] == 2 && lines.count { $0["loss"] == nil } == 2)
    #expect(try world.text("run/metrics.csv").contains("skipped_steps"))
    let wrong = train("other", ["--on-nonfinite", "ignore"])
    #expect(wrong.code == 64 && wrong.messages.contains("on-nonfinite"), "\(wrong.messages)")
  }

  @Test func distillationsWithOneTeacherOrSeveralTasksDoTheSame() throws {
    let common = [
      "--per-device-train-batch-size", "4", "--num-train-epochs", "2", "--on-nonfinite", "skip", "--json",
      "--output",
    ]
    let task = ["--task", world.path("numbers.yaml"), "--data", world.path("data")]
    try #require(train("teacher", ["--on-nonfinite", "skip"]).code == 0)
    let distil = potstill(
      [
        "distill", "--teacher", world.path("teacher"), "--student", "T1", "--hard-label-weight", "1",
      ] + task + common + [world.path("student")])
    try #require(distil.code == 0, "\(distil.messages)")
    #expect(try JSONValue(parsing: distil.output)["skipped_steps"] == 2)
    #expect(
      distil.messages.contains("hard_label") && distil.messages.contains("numbers.tsv:6"),
      "\(distil.messages)")
    let entry = "{task: \(world.path("numbers.yaml")), data: \(world.path("data"))}"
    try Data("tasks: [\(entry)]\n".utf8).write(to: world.folder.appending(path: "tasks.yaml"))
    let several = potstill(
      ["multitask", world.path("tasks.yaml"), "--student", world.path("base")] + common + [
        world.path("several")
      ])
    try #require(several.code == 0, "\(several.messages)")
    #expect(try JSONValue(parsing: several.output)["skipped_steps"] == 2)
    #expect(several.messages.contains("numbers.tsv:6"), "\(several.messages)")
  }
}

/// Two ranks leave out the same updates as one process, and end together.
@Suite(
  .serialized,
  .enabled(
    if: !RankLauncher.usable.isEmpty, "neither mpirun.openmpi nor mpirun.mpich is installed and starts ranks")
)
struct NonFiniteRankTests {
  @Test(arguments: RankLauncher.usable)
  func ranksDecideAlike(launcher: RankLauncher) throws {
    let world = try TinyWorld(hidden: 32)
    try NonFiniteJourneyTests.write(in: world)
    let tool = try #require(ToolProcess(), "the program potstill is not beside the tests; build it first")
    func train(_ output: String, on place: (RankLauncher, ranks: Int)?, _ more: [String] = []) -> ChildRun {
      tool.run(
        [
          "train", "--task", world.path("numbers.yaml"), "--data", world.path("data"), "--model",
          world.path("base"),
          "--output", world.path(output), "--per-device-train-batch-size", "\(4 / (place?.ranks ?? 1))",
          "--num-train-epochs", "2", "--optim", "sgd", "--learning-rate", "1e-2",
        ] + more, on: place, scratch: world.folder)
    }
    let skip = ["--on-nonfinite", "skip"]
    let alone = train("alone", on: nil, skip)
    let two = train("two", on: (launcher, 2), skip)
    for run in [alone, two] { try #require(run.code == 0, "\(run.summary)") }
    for output in ["alone", "two"] {
      #expect(try JSONValue(parsing: world.text(output + "/all_results.json"))["skipped_steps"] == 2)
    }
    #expect(two.messages.contains("numbers.tsv:6"), "\(two.summary)")
    let distance = try SavedWeights(world.path("two")).distance(to: SavedWeights(world.path("alone")))
    // The last bits of weights up to 1 after 6 updates whose sums have another order.
    #expect(distance <= 8 * 0x1p-23, "\(distance)")
    let stopped = train("stopped", on: (launcher, 2))
    #expect(stopped.code != 0 && stopped.messages.contains("numbers.tsv:6"), "\(stopped.summary)")
  }
}
