import Foundation
import ModelFormats
import TestSupport
import Testing

/// `potstill distill --feature-epochs`: layers first, predictions second.
@Suite struct TwoStageTests {
  let world: TinyWorld
  let settings: [String]

  init() throws {
    world = try TinyWorld()
    settings = [
      "distill", "--task", world.path("tiny.yaml"), "--data", world.path("data"), "--teacher",
      world.path("base"),
      "--student", "T1", "--match", "uniform", "--match", "uniform:attention_mse", "--hard-label-weight", "1",
      "--feature-epochs", "2", "--feature-learning-rate", "1e-3", "--num-train-epochs", "2",
      "--save-strategy",
      "steps", "--save-steps", "3", "--save-total-limit", "9", "--eval-strategy", "no", "--logging-steps",
      "1",
      // Cached logits differ in their last bits from those of another batch.
      "--no-cache-teacher-logits",
    ]
  }

  private func run(_ output: String, _ more: String...) -> ToolRun {
    potstill(settings + ["--output", world.path(output)] + more)
  }

  private func weights(_ name: String) throws -> Data {
    try Data(contentsOf: URL(filePath: world.path(name + "/model.safetensors")))
  }

  private func parts(_ name: String) throws -> [Set<String>] {
    try world.text(name + "/metrics.jsonl").split(separator: "\n").map { line in
      Set(try JSONValue(parsing: String(line))["parts"]?.objectValue?.keys ?? [])
    }
  }

  @Test func resumesInEitherStageToTheBit() throws {
    try FixedThreads.run {
      let whole = run("whole")
      try #require(whole.code == 0, "\(whole.messages)")
      for text in [
        "stage 1 of 2: features", "stage 2 of 2: predictions", "× hidden_mse", "× attention_mse", "× KD",
      ] {
        #expect(whole.messages.contains(text), "\(text) is missing in \(whole.messages)")
      }
      let (first, second) = (try parts("whole/features"), try parts("whole"))
      #expect(first.count == 8 && second.count == 8)
      #expect(
        first.allSatisfy {
          $0.contains { $0.hasPrefix("unweighted_hidden") } && !$0.contains("unweighted_kd_loss")
        })
      #expect(
        second.allSatisfy {
          $0.contains("unweighted_kd_loss") && !$0.contains { $0.hasPrefix("unweighted_hidden") }
        })
      #expect(try weights("whole/features") != weights("whole"))

      // As after a crash in the first stage, and in the second.
      let files = FileManager.default
      for (name, lost) in [
        ("early", ["checkpoint-3", "checkpoint-6", "features/checkpoint-6", "features/model.safetensors"]),
        ("late", ["checkpoint-6"]),
      ] {
        try files.copyItem(atPath: world.path("whole"), toPath: world.path(name))
        for item in lost + ["model.safetensors"] {
          try files.removeItem(atPath: world.path(name + "/" + item))
        }
        let resumed = run(name, "--resume-from-checkpoint", "last")
        try #require(resumed.code == 0, "\(resumed.messages)")
        // The plan names both stages; the first is named again when it begins.
        let named = resumed.messages.components(separatedBy: "stage 1 of 2: features\n").count - 1
        #expect(named == (name == "early" ? 2 : 1), "\(name): \(resumed.messages)")
        #expect(try weights(name + "/features") == weights("whole/features"))
        #expect(resumed.messages.contains("after step 3"))
        #expect(try weights(name) == weights("whole"), "\(name)")
      }
      let again = potstill(["distill", world.path("whole/recipe.yaml"), "--output", world.path("again")])
      #expect(again.code == 0, "\(again.messages)")
      #expect(try weights("again") == weights("whole"))
    }
  }

  @Test func saysWhatIsMissing() {
    let idle = potstill(["distill", "--feature-learning-rate", "1e-3"])
    #expect(idle.code == 64 && idle.messages.contains("--feature-epochs"))
    let unmatched = potstill([
      "distill", "--task", world.path("tiny.yaml"), "--data", world.path("data"), "--teacher",
      world.path("base"),
      "--student", "T1", "--feature-epochs", "2", "--output", world.path("out"),
    ])
    #expect(
      unmatched.code == 1 && unmatched.messages.contains("needs layers to compare"), "\(unmatched.messages)")
    #expect(!FileManager.default.fileExists(atPath: world.path("out")))
  }

  @Test func aDryRunShowsBothStages() throws {
    let dry = run("none", "--dry-run", "--json")
    try #require(dry.code == 0, "\(dry.messages)")
    let stages = try #require(JSONValue(parsing: dry.output)["stages"]?.arrayValue)
    #expect(stages.map { $0["steps"]?.intValue } == [8, 8])
    #expect(stages.map { $0["matches"]?.arrayValue?.isEmpty } == [false, true])
  }
}
