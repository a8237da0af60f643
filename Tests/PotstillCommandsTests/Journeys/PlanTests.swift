import Foundation
import ModelFormats
import Testing

/// `potstill plan`: the plan of a recipe, and how long its updates take here and among ranks.
@Suite struct PlanTests {
  let world: TinyWorld

  init() throws {
    world = try TinyWorld()
    let data = "task: \(world.path("tiny.yaml"))\ndata: \(world.path("data"))\n"
    try write(
      "train.yaml", data + "model: \(world.path("base"))\noutput: \(world.path("run"))\nnum_train_epochs: 2\n"
    )
    try write(
      "distill.yaml",
      data + "teacher: \(world.path("base"))\nstudent: T1\nmatch: uniform\noutput: \(world.path("run"))\n")
  }

  private func write(_ name: String, _ text: String) throws {
    try Data(text.utf8).write(to: world.folder.appending(path: name))
  }

  @Test(arguments: ["train", "distill"]) func updatesAreMeasuredAndNothingIsWritten(recipe: String) throws {
    let before = try FileManager.default.subpathsOfDirectory(atPath: world.folder.path).sorted()
    let run = potstill([
      "plan", world.path(recipe + ".yaml"), "--ranks", "6", "--network", "1Gb", "--measure-steps", "2",
      "--json",
    ])
    try #require(run.code == 0, "\(run.messages)")
    #expect(try FileManager.default.subpathsOfDirectory(atPath: world.folder.path).sorted() == before)
    let json = try JSONValue(parsing: run.output)
    let dry = potstill([recipe, world.path(recipe + ".yaml"), "--dry-run", "--json"])
    #expect(try json["plan"] == JSONValue(parsing: dry.output))
    let time = try #require(json["time"])
    #expect(time["total_steps"] == json["plan"]?["total_steps"] ?? json["plan"]?["steps"], "\(run.output)")
    let steps = try #require(time["forecast"]?.arrayValue)
    #expect(steps.map { $0["ranks"]?.intValue } == [1, 2, 4, 6])
    let phases = ["forward_seconds", "backward_seconds", "update_seconds"].compactMap {
      time[$0]?.doubleValue
    }
    #expect(phases.count == 3 && phases.allSatisfy { $0 > 0 })
    #expect(abs((steps[0]["step_seconds"]?.doubleValue ?? 0) - phases.reduce(0, +)) < 1e-9)
    for (step, next) in zip(steps, steps.dropFirst()) {
      #expect(step["step_seconds"]?.doubleValue ?? 1 < next["step_seconds"]?.doubleValue ?? 0)
    }
  }

  @Test func theTableIsForPeople() throws {
    let run = potstill([
      "plan", world.path("train.yaml"), "--ranks", "4", "--network", "100Mb", "--latency", "20",
      "--measure-steps", "1",
    ])
    try #require(run.code == 0, "\(run.messages)")
    #expect(run.output.contains("measured  ") && run.output.contains("updates take "))
    let lines = run.output.split(separator: "\n").map { $0.split(separator: " ").map(String.init) }
    #expect(lines.suffix(3).map { $0.first } == ["1", "2", "4"], "\(run.output)")
    let short = potstill(["plan", world.path("train.yaml"), "--measure-steps", "0"])
    #expect(short.code == 0 && short.output.contains("steps") && !short.output.contains("measured"))
  }

  @Test(arguments: [
    (["--ranks", "4"], "--ranks needs --network"), (["--ranks", "0", "--network", "1Gb"], "--ranks is 0"),
    (["--network", "fast"], "expected bits a second"), (["--latency=-1"], "--latency is -1"),
    (["--ranks", "2", "--network", "1Gb", "--measure-steps", "0"], "leave out --measure-steps 0"),
  ])
  func senselessOptionsAreRefused(options: [String], message: String) {
    let run = potstill(["plan", world.path("train.yaml")] + options)
    #expect(run.code == 64 && run.messages.contains(message), "\(run.messages)")
  }

  @Test func aRecipeWithoutAModelSaysSo() throws {
    try write("bare.yaml", "task: \(world.path("tiny.yaml"))\n")
    let run = potstill(["plan", world.path("bare.yaml")])
    #expect(run.code == 64 && run.messages.contains("missing --model"), "\(run.messages)")
    try write(
      "half.yaml",
      "task: \(world.path("tiny.yaml"))\ndata: \(world.path("data"))\nteacher: \(world.path("base"))\n")
    let half = potstill(["plan", world.path("half.yaml")])
    #expect(half.code == 64 && half.messages.contains("missing --student"), "\(half.messages)")
    let none = potstill(["plan", world.path("none.yaml")])
    #expect(none.code != 0 && none.messages.contains("none.yaml"))
  }
}
