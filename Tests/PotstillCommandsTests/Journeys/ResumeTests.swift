import Foundation
import TestSupport
import Testing

/// `--resume-from-checkpoint` in the run's own folder, which holds files, as that of a killed run does.
@Suite struct ResumeTests {
  let world: TinyWorld
  let data: [String]

  init() throws {
    world = try TinyWorld()
    data = ["--task", world.path("tiny.yaml"), "--data", world.path("data")]
  }

  private static let saving = [
    "--max-steps", "12", "--save-strategy", "steps", "--save-steps", "4", "--save-total-limit", "9",
    "--logging-steps", "1", "--eval-strategy", "no",
  ]

  /// Runs a command, and goes on from step 8 as if it had been killed soon after that: the same weights come out.
  ///
  /// - Parameters:
  ///   - model: The weights in the run folder.
  ///   - checkpoints: What `--resume-from-checkpoint` is given, one after the other.
  private func expectResumption(
    _ command: [String], model: String = "model.safetensors", by checkpoints: [String]
  ) throws {
    try FixedThreads.run {
      let run = command + Self.saving + ["--output", world.path("run")]
      let whole = potstill(run)
      try #require(whole.code == 0, "\(whole.messages)")
      let file = URL(filePath: world.path("run/" + model))
      let expected = try Data(contentsOf: file)
      let metrics = try world.text("run/metrics.jsonl").split(separator: "\n").count
      for checkpoint in checkpoints {
        for item in ["checkpoint-12", model, "all_results.json"] {
          try FileManager.default.removeItem(atPath: world.path("run/" + item))
        }
        let resumed = potstill(run + ["--resume-from-checkpoint", checkpoint])
        try #require(resumed.code == 0, "\(checkpoint): \(resumed.messages)")
        #expect(resumed.messages.contains("after step 8"), "\(checkpoint): \(resumed.messages)")
        #expect(try Data(contentsOf: file) == expected, "\(checkpoint)")
        #expect(try world.text("run/metrics.jsonl").split(separator: "\n").count == metrics)
        #expect(FileManager.default.fileExists(atPath: world.path("run/checkpoint-4")))
      }
    }
  }

  @Test func trainingGoesOnInItsFolder() throws {
    try expectResumption(
      ["train", "--model", world.path("base")] + data,
      by: ["last", world.path("run/checkpoint-8"), world.path("data/../run/checkpoint-8/")])
  }

  @Test func distillationGoesOnInItsFolder() throws {
    // Cached logits differ in their last bits from those of another batch.
    try expectResumption(
      ["distill", "--teacher", world.path("base"), "--student", "T1", "--no-cache-teacher-logits"] + data,
      by: ["last"])
  }

  @Test func severalTasksGoOnInTheirFolder() throws {
    try Data("tasks: [{task: \(world.path("tiny.yaml")), data: \(world.path("data"))}]\n".utf8)
      .write(to: world.folder.appending(path: "tasks.yaml"))
    try expectResumption(
      ["multitask", world.path("tasks.yaml"), "--student", world.path("base")],
      model: "tiny/model.safetensors", by: ["last"])
  }

  @Test func preTrainingGoesOnInItsFolder() throws {
    try FileManager.default.copyItem(atPath: world.path("data/train.tsv"), toPath: world.path("text.txt"))
    try expectResumption(
      [
        "pretrain", "--model", world.path("base"), "--input", world.path("text.txt"), "--max-seq-length",
        "16",
        "--per-device-train-batch-size", "2",
      ], by: ["last"])
  }

  @Test func otherFoldersStayRefused() throws {
    let run = ["train", "--model", world.path("base")] + data + Self.saving
    let first = potstill(run + ["--output", world.path("run")])
    try #require(first.code == 0, "\(first.messages)")
    // A folder without a checkpoint is not written into, whatever else it holds.
    let files = try FileManager.default.contentsOfDirectory(atPath: world.path("data")).sorted()
    let last = potstill(run + ["--output", world.path("data"), "--resume-from-checkpoint", "last"])
    #expect(last.code == 1 && last.messages.contains("holds no checkpoint"), "\(last.messages)")
    for checkpoint in [world.path("run/checkpoint-8"), world.path("data/checkpoint-8")] {
      let other = potstill(run + ["--output", world.path("data"), "--resume-from-checkpoint", checkpoint])
      #expect(other.code == 1 && other.messages.contains("is not empty"), "\(other.messages)")
    }
    #expect(try FileManager.default.contentsOfDirectory(atPath: world.path("data")).sorted() == files)
    // Without resuming, a run's own folder is refused as before.
    let again = potstill(run + ["--output", world.path("run")])
    #expect(again.code == 1 && again.messages.contains("is not empty"), "\(again.messages)")
  }
}
