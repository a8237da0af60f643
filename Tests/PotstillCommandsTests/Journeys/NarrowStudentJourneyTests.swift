import Foundation
import ModelFormats
import Testing

/// Students of named layers with other widths, and BERT-of-Theseus, from the command line.
@Suite struct NarrowStudentJourneyTests {
  let world: TinyWorld
  let distill: [String]

  init() throws {
    world = try TinyWorld()
    let task = ["--task", world.path("tiny.yaml"), "--data", world.path("data"), "--quiet"]
    distill = ["distill", "--teacher", world.path("teacher")] + task
    let trained = potstill(
      ["train", "--model", world.path("base"), "--output", world.path("teacher"), "--seed", "3"] + task)
    try #require(trained.code == 0, "\(trained.messages)")
  }

  @Test func aNarrowStudentWithNarrowEmbeddingsLearns() throws {
    let sizes = ["--hidden-size", "8", "--intermediate-size", "20", "--embedding-size", "6"]
    let student = world.path("student")
    let distilled = potstill(distill + ["--student", "last:1", "--output", student] + sizes)
    try #require(distilled.code == 0, "\(distilled.messages)")
    let config = try JSONValue(parsing: world.text("student/config.json"))
    #expect(config["model_type"] == "electra" && config["num_attention_heads"] == 1)
    #expect(config["hidden_size"] == 8 && config["intermediate_size"] == 20 && config["embedding_size"] == 6)
    let all = try JSONValue(parsing: world.text("student/all_results.json"))
    #expect(all["eval_accuracy"]?.doubleValue ?? 0 >= 0.8)
    let recipe = try world.text("student/recipe.yaml")
    #expect(recipe.contains("last:1") && recipe.contains("hidden_size: 8\n"))
    #expect(recipe.contains("embedding_size: 6\n"))
  }

  @Test func thePlanNamesTheCopiedLayers() throws {
    let plan = potstill(distill + ["--student", "last:1", "--match", "copied", "--dry-run"])
    #expect(plan.code == 0, "\(plan.messages)")
    #expect(plan.output.contains("copied   teacher layer 2\n"))
    #expect(plan.output.contains("teacher layer 2") && plan.output.contains("student layer 1"))
    let fresh = potstill(distill + ["--student", "T4-tiny", "--dry-run"])
    #expect(!fresh.output.contains("copied"))
  }

  @Test func theseusPlansTrainsAndRunsItsRecipeAgain() throws {
    let theseus = distill + ["--student", "first:1", "--theseus", "--replacing-rate", "0.5"]
    let plan = potstill(theseus + ["--dry-run"])
    #expect(plan.output.contains("theseus  student layer 1 for teacher layers 1 to 2"), "\(plan.messages)")
    #expect(plan.output.contains("0.50 at step 1,"))
    let distilled = potstill(theseus + ["--output", world.path("student")])
    try #require(distilled.code == 0, "\(distilled.messages)")
    #expect(try world.text("student/metrics.jsonl").contains("replacing_rate"))
    let all = try JSONValue(parsing: world.text("student/all_results.json"))
    #expect(all["eval_accuracy"]?.doubleValue ?? 0 >= 0.8)
    let again = potstill(
      ["distill", world.path("student/recipe.yaml"), "--output", world.path("again"), "--quiet"])
    #expect(again.code == 0, "\(again.messages)")
    let weights = { (name: String) in
      try Data(contentsOf: URL(filePath: world.path(name + "/model.safetensors")))
    }
    #expect(try weights("student") == weights("again"))
  }

  @Test func whatTheseusCannotUseIsRefused() {
    // 4 is what a distillation takes without the option, and is refused all the same.
    for temperature in ["8", "4"] {
      let kd = potstill(
        distill + ["--student", "first:1", "--theseus", "--temperature", temperature, "--dry-run"])
      #expect(kd.code != 0 && kd.messages.contains("learns from the labels alone"))
    }
    let other = potstill(distill + ["--student", "T4-tiny", "--theseus", "--dry-run"])
    #expect(other.code != 0 && other.messages.contains("first:1"))
    let lonely = potstill(distill + ["--student", "T1", "--replacing-rate", "0.5", "--dry-run"])
    #expect(lonely.code != 0 && lonely.messages.contains("--replacing-rate belongs to --theseus"))
  }
}
