import Foundation
import ModelFormats
import Testing

/// `potstill ablate` over recipes of the tiny world.
@Suite struct AblateTests {
  let world: TinyWorld

  init() throws {
    world = try TinyWorld()
    let recipe = """
      task: \(world.path("tiny.yaml"))
      data: \(world.path("data"))
      teacher: \(world.path("base"))
      student: T1
      output: \(world.path("student"))
      distillation:
        hard_label_weight: 0.5
      training: {max_steps: 3, seed: 9}
      """
    try Data(recipe.utf8).write(to: URL(filePath: world.path("recipe.yaml")))
  }

  private func ablate(_ more: String...) -> ToolRun {
    potstill(["ablate", world.path("recipe.yaml")] + more)
  }

  private func exists(_ name: String) -> Bool { FileManager.default.fileExists(atPath: world.path(name)) }

  @Test func runsTheGridOnceAndSaysMeanAndSpread() throws {
    let settings = [
      "ablate", world.path("recipe.yaml"), "--vary", "temperature=1,8", "--vary", "match=none,last",
      "--seeds", "2",
    ]
    let run = potstill(settings + ["--json"])
    try #require(run.code == 0, "\(run.messages)")
    let cells = try #require(JSONValue(parsing: run.output)["cells"]?.arrayValue)
    #expect(
      cells.map { $0["values"]?.compactText } == [
        #"{"temperature": "1", "match": "none"}"#, #"{"temperature": "1", "match": "last"}"#,
        #"{"temperature": "8", "match": "none"}"#, #"{"temperature": "8", "match": "last"}"#,
      ])
    #expect(run.messages.contains("[8/8] temperature=8,match=last, seed 2"))
    for cell in cells {
      let loss = try #require(cell["results"]?["train_loss"])
      let values = (loss["values"]?.arrayValue ?? []).compactMap(\.doubleValue)
      try #require(values.count == 2)
      let (a, b) = (values[0], values[1])
      #expect(loss["mean"]?.doubleValue == (a + b) / 2)
      #expect(loss["min"]?.doubleValue == min(a, b) && loss["max"]?.doubleValue == max(a, b))
      let deviation = try #require(loss["std"]?.doubleValue)
      #expect(abs(deviation - abs(a - b) / 2.0.squareRoot()) < 1e-9)
    }
    // Each run keeps its results and its recipe, no model.
    let folder = "student-ablation/temperature=8,match=last/seed-2"
    let recipe = try world.text(folder + "/recipe.yaml")
    #expect(recipe.contains("temperature: 8\n") && recipe.contains("seed: 2\n") && recipe.contains("last"))
    #expect(recipe.contains("hard_label_weight: 0.5") && recipe.contains("max_steps: 3"))
    #expect(exists(folder + "/metrics.jsonl") && !exists(folder + "/model.safetensors"))
    #expect(!exists(folder + "/vocab.txt"))
    #expect(
      try JSONValue(parsing: world.text("student-ablation/ablation.json"))["cells"]?.arrayValue == cells)

    // What is finished is not run again; what was interrupted is.
    try FileManager.default.removeItem(atPath: world.path(folder + "/finished.json"))
    let again = potstill(settings)
    #expect(again.code == 0)
    #expect(again.messages.components(separatedBy: "finished before").count - 1 == 7)
    let lines = again.output.split(separator: "\n").map(String.init)
    #expect(lines.count == 5 && lines[0].contains("eval_accuracy") && lines[0].contains("sd"))
    // Other settings are other runs.
    let other = potstill(settings + ["--output", world.path("student-ablation"), "--keep-models"])
    #expect(other.code == 0 && other.messages.components(separatedBy: "finished before").count - 1 == 8)
    let recipeText = try world.text("recipe.yaml").replacing("0.5", with: "0.25")
    try Data(recipeText.utf8).write(to: URL(filePath: world.path("recipe.yaml")))
    let changed = ablate("--vary", "temperature=1,8", "--vary", "match=none,last", "--keep-models")
    #expect(changed.code == 0 && !changed.messages.contains("finished before"))
    #expect(exists("student-ablation/temperature=1,match=none/seed-1/model.safetensors"))
  }

  @Test func refusesWhatCannotBeVariedBeforeAnythingRuns() {
    let run = ablate(
      "--vary", "temprature=1,2", "--vary", "seed=1,2", "--vary", "max_steps", "--vary", "temperature=1,hot")
    #expect(run.code == 1)
    #expect(run.messages.contains("did you mean temperature?") && run.messages.contains("--seeds"))
    #expect(run.messages.contains("--vary max_steps: expected a key and its values"))
    let value = ablate("--vary", "temperature=1,hot")
    #expect(value.code == 1 && value.messages.contains("hot"), "\(value.messages)")
    let missing = potstill(["ablate", world.path("none.yaml")])
    #expect(missing.code == 1 && missing.messages.contains("none.yaml"))
    #expect(ablate("--seeds", "0").code == 64)
    #expect(!exists("student-ablation"))
  }

  @Test func aFailingRunStopsNoOther() throws {
    let run = ablate("--vary", "learning_rate=1e-3,-1", "--output", world.path("runs"))
    #expect(run.code == 1 && run.messages.contains("1 of 2 runs failed"), "\(run.messages)")
    #expect(run.messages.contains("learning_rate"))
    #expect(exists("runs/learning_rate=1e-3/seed-1/all_results.json"))
    #expect(run.output.split(separator: "\n").count == 3)
  }

  @Test func variesRecipesOfTrainToo() throws {
    let recipe = """
      {"task": "\(world.path("tiny.yaml"))", "data": "\(world.path("data"))", "model": "\(world.path("base"))",
       "output": "\(world.path("teacher"))", "max_steps": 2}
      """
    try Data(recipe.utf8).write(to: URL(filePath: world.path("recipe.yaml")))
    let run = ablate("--vary", "optim=sgd,adamw_torch", "--metric", "train_loss")
    #expect(run.code == 0, "\(run.messages)")
    #expect(run.output.contains("train_loss") && run.output.contains("adamw_torch"))
  }

  @Test func severalRecipesAreRowsOfOneTable() throws {
    let common = """
      task: \(world.path("tiny.yaml"))
      data: \(world.path("data"))
      max_steps: 2

      """
    // A teacher of kept answers makes a recipe one of distill, even where the student varies.
    let answers = potstill([
      "cache", "--task", world.path("tiny.yaml"), "--data", world.path("data"), "--teacher",
      world.path("base"), "--output", world.path("answers"),
    ])
    try #require(answers.code == 0, "\(answers.messages)")
    let recipes = [
      "kd.yaml": common + "teacher_cache: \(world.path("answers"))\n",
      "relations.yaml": common + "teacher: \(world.path("base"))\nmatch: minilmv2\n",
    ]
    for (name, text) in recipes { try Data(text.utf8).write(to: URL(filePath: world.path(name))) }
    let named = ["kd.yaml", "relations.yaml"].map(world.path)
    let settings = ["--vary", "student=T3-small,T4-tiny", "--output", world.path("rows")]
    let run = potstill(["ablate"] + named + settings)
    try #require(run.code == 0, "\(run.messages)")
    let lines = run.output.split(separator: "\n").map { $0.split(separator: " ").map(String.init) }
    #expect(lines.first?.prefix(3) == ["recipe", "student", "runs"])
    #expect(
      lines.dropFirst().map { $0.prefix(3).joined(separator: " ") } == [
        "kd T3-small 1", "kd T4-tiny 1", "relations T3-small 1", "relations T4-tiny 1",
      ])
    #expect(exists("rows/relations,student=T4-tiny/seed-1/all_results.json"))
    #expect(!(try world.text("rows/kd,student=T3-small/seed-1/recipe.yaml").contains("match")))

    // What a recipe has finished by itself counts beside others.
    let whole = ["one", "two"].map { world.path($0 + ".yaml") }
    for (path, weight) in zip(whole, [0, 1]) {
      let text = common + "teacher: \(world.path("base"))\nstudent: T1\nhard_label_weight: \(weight)\n"
      try Data(text.utf8).write(to: URL(filePath: path))
    }
    #expect(potstill(["ablate", whole[0], "--output", world.path("whole")]).code == 0)
    let both = potstill(["ablate"] + whole + ["--output", world.path("whole")])
    #expect(
      both.code == 0 && both.messages.contains("[1/2] one, seed 1: finished before"), "\(both.messages)")
    #expect(both.messages.components(separatedBy: "finished before").count == 2)

    #expect(potstill(["ablate"] + named).code == 64)
    let twice = potstill(["ablate", named[0], named[0], "--output", world.path("twice")])
    #expect(twice.code == 1 && twice.messages.contains("are both 'kd'"), "\(twice.messages)")
    let teacher = common + "model: \(world.path("base"))\n"
    try Data(teacher.utf8).write(to: URL(filePath: world.path("teacher.yaml")))
    let mixed = potstill([
      "ablate", world.path("teacher.yaml"), named[0], "--vary", "temperature=1,8", "--output",
      world.path("mixed"),
    ])
    #expect(
      mixed.code == 1 && mixed.messages.contains("teacher.yaml) has no such option"), "\(mixed.messages)")
    #expect(!exists("twice") && !exists("mixed"))
  }
}
