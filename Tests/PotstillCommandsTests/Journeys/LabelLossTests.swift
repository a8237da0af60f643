import Foundation
import ModelFormats
import Testing

/// Options of the loss on labels and of frozen parts, from the plan to the recipe.
@Suite struct LabelLossTests {
  let world: TinyWorld
  let data: [String]

  init() throws {
    world = try TinyWorld()
    data = ["--task", world.path("tiny.yaml"), "--data", world.path("data"), "--max-steps", "4"]
  }

  private static let options = [
    "--label-smoothing-factor", "0.1", "--class-weights", "negative=0.5", "--freeze-embeddings",
    "--freeze-layers", "1",
  ]
  private static let labels = "\nlabels   smoothed by 0.1; weighed negative 0.5, positive 1.0\n"

  @Test func trainingPlansAndRecordsThem() throws {
    let train = ["train", "--model", world.path("base")] + data + Self.options
    let plan = potstill(train + ["--dry-run"])
    #expect(plan.code == 0 && plan.output.contains(Self.labels), "\(plan.output)\(plan.messages)")
    #expect(plan.output.contains("\nfrozen   embeddings, layer 0: "), "\(plan.output)")
    let run = potstill(train + ["--output", world.path("run")])
    try #require(run.code == 0, "\(run.messages)")
    let recipe = try world.text("run/recipe.yaml")
    for line in ["label_smoothing_factor: 0.1", "freeze_embeddings: true", "freeze_layers: \"1\""] {
      #expect(recipe.contains("\n\(line)\n"), "\(recipe)")
    }
    let again = potstill(["train", world.path("run/recipe.yaml"), "--dry-run"])
    #expect(again.code == 0 && again.output.contains(Self.labels), "\(again.output)\(again.messages)")
    let balanced = potstill(train + ["--class-weights", "balanced", "--dry-run"])
    #expect(balanced.output.contains("weighed negative 1.0, positive 1.0"), "\(balanced.output)")
    let resumed = potstill(train + ["--output", world.path("run"), "--resume-from-checkpoint", "last"])
    #expect(resumed.code == 1 && resumed.messages.contains("holds no checkpoint"))
  }

  @Test func quantizationAwareTrainingIsPlannedAndRecorded() throws {
    let train = ["train", "--model", world.path("base"), "--quantization-aware"] + data
    let plan = potstill(train + ["--dry-run"])
    #expect(
      plan.code == 0 && plan.output.contains("\nint8     trained and scored as 8-bit"),
      "\(plan.output)\(plan.messages)")
    let run = potstill(train + ["--output", world.path("aware")])
    try #require(run.code == 0, "\(run.messages)")
    #expect(try world.text("aware/recipe.yaml").contains("\nquantization_aware: true\n"))
  }

  @Test func aStudentTakesThemAndHearsWhereTheyDoNotCount() throws {
    let distill = ["distill", "--teacher", world.path("base"), "--student", "T1"] + data + Self.options
    let without = potstill(distill + ["--dry-run"])
    #expect(without.code == 0 && without.output.contains(Self.labels), "\(without.output)\(without.messages)")
    for key in ["label_smoothing_factor", "class_weights"] {
      #expect(without.messages.contains("\(key): is about the loss on labels, which does not count"))
    }
    let with = potstill(
      distill + [
        "--hard-label-weight", "1", "--match", "uniform", "--feature-epochs", "1", "--baseline", "--output",
        world.path("student"),
      ])
    #expect(with.code == 0 && !with.messages.contains("which does not count"), "\(with.messages)")
    #expect(with.messages.contains("frozen   embeddings, layer 0: "), "\(with.messages)")
    let multi = """
      tasks:
        - {task: \(world.path("tiny.yaml")), name: one, data: \(world.path("data"))}
        - {task: \(world.path("tiny.yaml")), name: two, data: \(world.path("data")), teacher: \(world.path("base"))}

      """
    try Data(multi.utf8).write(to: world.folder.appending(path: "tasks.yaml"))
    let both = potstill(
      [
        "multitask", world.path("tasks.yaml"), "--student", world.path("base"), "--max-steps", "3",
        "--output",
        world.path("both"),
      ] + Self.options)
    #expect(both.code == 0 && both.messages.contains("labels   one: smoothed by 0.1"), "\(both.messages)")
  }

  @Test(arguments: [
    (["--class-weights", "fine=2"], "names \"fine\", which is no label; expected one of negative, positive"),
    (["--class-weights", "heavy"], "expected balanced, or a weight for each label"),
    (["--class-weights", "negative=0"], "class_weights: of \"negative\" is 0.0; expected a number above 0"),
    (["--label-smoothing-factor", "2"], "label_smoothing_factor: is 2.0; expected 0 to 1"),
    (["--freeze-layers", "3"], "freeze_layers: is 3, but the encoder has 2 layers"),
    (["--freeze-layers", "x"], "expected a number of first layers"),
  ])
  func whatCannotBeIsRefusedBeforeAnythingIsWritten(_ options: [String], _ message: String) {
    let run = potstill(
      ["train", "--model", world.path("base"), "--output", world.path("no")] + data + options)
    #expect(run.code == 1 && run.messages.contains(message), "\(run.messages)")
    #expect(!FileManager.default.fileExists(atPath: world.path("no")))
  }
}
