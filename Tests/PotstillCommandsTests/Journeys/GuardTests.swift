import Foundation
import ModelFormats
import Testing

/// What a distillation says before its first step, and the student without a teacher beside it.
@Suite struct GuardTests {
  let world: TinyWorld
  let task: [String]

  init() throws {
    world = try TinyWorld()
    task = ["--task", world.path("tiny.yaml"), "--data", world.path("data")]
  }

  private func distill(_ more: String...) -> ToolRun {
    potstill(["distill", "--output", world.path("student"), "--max-steps", "2"] + task + more)
  }

  @Test func thePlanAndTheDoubtsAreSaid() throws {
    // The base model never saw the task, so it answers one label.
    let run = distill("--teacher", world.path("base"), "--student", "T4-tiny", "--match", "uniform")
    try #require(run.code == 0, "\(run.messages)")
    for line in ["teacher  ", "student  T4-tiny", "loss     1 × KD", "match    1 × hidden_mse", "steps    2"]
    {
      #expect(run.messages.contains(line), "\(line) is missing in \(run.messages)")
    }
    #expect(
      run.messages.contains(
        "warning: teacher: the accuracy of \(world.path("base")) on 8 validation rows is"), "\(run.messages)")
    #expect(run.messages.contains("warning: student: T4-tiny starts at random and has 32 sequences"))
    let lines = run.output.split(separator: "\n")
    #expect(lines.contains { $0.contains("speed-up") })
  }

  @Test func everyStudentOfRandomLayersRaisesOne() throws {
    for student in ["BiGRU", "CNN"] {
      let run = distill("--teacher", world.path("base"), "--student", student, "--overwrite-output-dir")
      try #require(run.code == 0, "\(run.messages)")
      #expect(run.messages.contains("\(student) starts at random and has 32 sequences"), "\(run.messages)")
    }
  }

  @Test func aGoodTeacherAndItsLayersRaiseNoDoubt() throws {
    let trained = potstill(
      ["train", "--model", world.path("base"), "--output", world.path("teacher"), "--seed", "3"] + task)
    try #require(trained.code == 0, "\(trained.messages)")
    let run = distill(
      "--teacher", world.path("teacher"), "--student", "T1", "--baseline", "--max-steps", "40", "--seed", "5")
    try #require(run.code == 0, "\(run.messages)")
    #expect(!run.messages.contains("warning"), "\(run.messages)")
    // Teacher, student without it, student with it.
    let heading = try #require(run.output.split(separator: "\n").firstIndex { $0.contains("speed-up") })
    let rows = run.output.split(separator: "\n")[heading...].dropFirst()
    #expect(rows.count == 3)
    #expect(zip(rows, ["/teacher", "/student/baseline", "/student "]).allSatisfy { $0.contains($1) })
    let results = try JSONValue(parsing: world.text("student/all_results.json"))
    let alone = try JSONValue(parsing: world.text("student/baseline/all_results.json"))
    #expect(results["baseline_eval_accuracy"] != nil)
    #expect(results["baseline_eval_accuracy"] == alone["eval_accuracy"])
    #expect(results["teacher_eval_accuracy"] != nil && results["eval_accuracy"] != nil)

    // The baseline is the same student with the weights of a run on the labels alone.
    let labels = potstill(
      [
        "distill", world.path("student/recipe.yaml"), "--output", world.path("labels"), "--kd-loss-weight",
        "0",
        "--hard-label-weight", "1", "--no-cache-teacher-logits",
      ])
    try #require(labels.code == 0, "\(labels.messages)")
    let weights = { (name: String) in
      try Data(contentsOf: URL(filePath: world.path(name + "/model.safetensors")))
    }
    #expect(try weights("student/baseline") == weights("labels"))
    #expect(try weights("student") != weights("labels"))
  }
}
