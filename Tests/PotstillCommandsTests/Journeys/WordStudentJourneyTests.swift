import Foundation
import ModelFormats
import Testing

/// Students that are no Transformers, through every command.
@Suite struct WordStudentJourneyTests {
  let world: TinyWorld
  let task: [String]

  init() throws {
    world = try TinyWorld()
    task = ["--task", world.path("tiny.yaml"), "--data", world.path("data"), "--quiet"]
    let trained = potstill(
      ["train", "--model", world.path("base"), "--output", world.path("teacher"), "--seed", "3"] + task)
    try #require(trained.code == 0, "\(trained.messages)")
  }

  @Test(arguments: ["BiGRU", "BiLSTM", "CNN"])
  func distilEvaluateComparePredictInspectAndTrainOn(_ name: String) throws {
    let (teacher, student) = (world.path("teacher"), world.path("student"))
    let distilled = potstill(
      ["distill", "--teacher", teacher, "--student", name, "--hidden-size", "12", "--output", student] + task)
    try #require(distilled.code == 0, "\(distilled.messages)")
    #expect(try world.text("student/recipe.yaml").contains("hidden_size: 12\n"))
    let all = try JSONValue(parsing: world.text("student/all_results.json"))
    #expect(all["eval_accuracy"]?.doubleValue ?? 0 >= 0.8)
    #expect(try JSONValue(parsing: world.text("student/config.json"))["hidden_size"] == 12)

    let evaluated = potstill(["evaluate", "--model", student, "--json"] + task)
    #expect(try JSONValue(parsing: evaluated.output)["eval_accuracy"] == all["eval_accuracy"])
    let compared = potstill(["compare", teacher, student] + task)
    #expect(compared.code == 0 && compared.output.contains("student"), "\(compared.messages)")
    let predicted = potstill(["predict", "--model", student, "--json", "the film was good ."])
    #expect(try JSONValue(parsing: predicted.output)["label"]?.stringValue != nil)
    let inspected = potstill(["inspect", student])
    #expect(inspected.code == 0 && inspected.output.contains("word_embeddings"), "\(inspected.messages)")
    let trained = potstill(
      ["train", "--model", student, "--output", world.path("more"), "--num-train-epochs", "1"] + task)
    #expect(trained.code == 0, "\(trained.messages)")
    // A saved student is a student's directory, and a teacher.
    let again = potstill(
      ["distill", "--teacher", student, "--student", student, "--output", world.path("again")]
        + ["--num-train-epochs", "2", "--match", "uniform"] + task)
    #expect(again.code == 0, "\(again.messages)")
  }

  @Test func layersAreMatchedWhereWidthsAllow() throws {
    let distill = ["distill", "--teacher", world.path("teacher"), "--student", "BiGRU", "--dry-run"] + task
    // Both directions of 8 units make the teacher's 16 features; the embeddings are the teacher's.
    let same = potstill(distill + ["--hidden-size", "8", "--match", "uniform"])
    #expect(same.code == 0, "\(same.messages)")
    #expect(same.output.contains("student embeddings") && !same.output.contains("linear"))
    let other = potstill(
      distill + ["--hidden-size", "5", "--embedding-size", "4", "--match", "uniform"])
    #expect(other.output.contains("linear 10 → 16") && other.output.contains("linear 4 → 16"))
    let attention = potstill(
      distill + ["--match", #"{"layer_T": 1, "layer_S": 1, "loss": "attention_mse_sum"}"#])
    #expect(attention.code != 0)
    #expect(attention.messages.contains("compares attention, of which the student has none"))
  }
}
