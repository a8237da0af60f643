import Datasets
import Foundation
import ModelFormats
import Tasks
import Testing
import Yams

/// `--metric-for-best-model`, looked at before the first step, where a mistake costs nothing yet.
@Suite struct BestMetricTests {
  let world: TinyWorld
  let tiny: [String]

  init() throws {
    world = try TinyWorld()
    tiny = ["--task", world.path("tiny.yaml"), "--data", world.path("data")]
  }

  /// Writes a task and rows of its kind; returns the options that name them.
  private func options(_ name: String, _ yaml: String) throws -> [String] {
    let task = try YAMLDecoder().decode(TaskDefinition.self, from: yaml)
    try SampleRows(task: task).write(to: world.folder.appending(path: name))
    try Data(yaml.utf8).write(to: world.folder.appending(path: name + ".yaml"))
    return ["--task", world.path(name + ".yaml"), "--data", world.path(name)]
  }

  private func train(_ task: [String], by metric: String, to output: String) -> ToolRun {
    potstill(
      [
        "train", "--model", world.path("base"), "--output", world.path(output), "--max-steps", "2", "--json",
        "--metric_for_best_model", metric,
      ] + task)
  }

  private func expectRefusal(_ run: ToolRun, _ parts: String...) {
    #expect(run.code == 1)
    for part in parts { #expect(run.messages.contains(part), "\(part) is missing in \(run.messages)") }
    #expect(!FileManager.default.fileExists(atPath: world.path("refused")))
  }

  @Test func classifiersAreJudgedByTheLossOrTheirMetrics() {
    for metric in ["loss", "eval_loss", "f1", "eval_f1"] {
      let run = train(tiny, by: metric, to: metric)
      #expect(run.code == 0, "\(run.messages)")
    }
    expectRefusal(
      train(tiny, by: "f1_macro", to: "refused"),
      "--metric-for-best-model f1_macro is not what the evaluation gives; expected one of loss, accuracy, f1,"
    )
  }

  @Test func answersAreNotJudgedByThresholds() throws {
    let task = try options(
      "answers",
      """
      name: answers
      kind: question_answering
      train_file: train.json
      validation_file: dev.json
      version_2_with_negative: true
      metrics: [f1, exact, best_f1, best_f1_thresh]

      """)
    let run = train(task, by: "best_f1", to: "trained")
    try #require(run.code == 0, "\(run.messages)")
    #expect(try JSONValue(parsing: run.output)["eval_best_f1_thresh"]?.doubleValue != nil)
    expectRefusal(
      train(task, by: "accuracy", to: "refused"), "accuracy is not what the evaluation gives",
      "loss, f1, exact, best_f1,")
    expectRefusal(train(task, by: "eval_best_f1_thresh", to: "refused"), "eval_best_f1_thresh is a threshold")
  }

  @Test func entitiesAreJudgedByATypeToo() throws {
    let task = try options(
      "genes",
      """
      name: genes
      kind: token_classification
      train_file: genes.train
      validation_file: genes.dev
      labels: [GENE, PROTEIN]
      metrics: [overall_f1]
      max_seq_length: 24

      """)
    let run = train(task, by: "PROTEIN_f1", to: "trained")
    #expect(run.code == 0, "\(run.messages)")
    expectRefusal(
      train(task, by: "PER_f1", to: "refused"), "expected one of loss, overall_f1, GENE_f1, PROTEIN_f1,")
  }

  @Test func severalTasksAreJudgedByTheirMeanOrOneOfThem() throws {
    try Data("tasks: [{task: \(world.path("tiny.yaml")), data: \(world.path("data"))}]\n".utf8)
      .write(to: world.folder.appending(path: "tasks.yaml"))
    func multitask(by metric: String, to output: String) -> ToolRun {
      potstill([
        "multitask", world.path("tasks.yaml"), "--student", world.path("base"), "--output",
        world.path(output), "--max-steps", "2", "--metric-for-best-model", metric,
      ])
    }
    for metric in ["average", "tiny/f1", "eval_tiny/loss"] {
      let run = multitask(by: metric, to: metric.replacing("/", with: "-"))
      #expect(run.code == 0, "\(run.messages)")
    }
    expectRefusal(
      multitask(by: "accuracy", to: "refused"), "expected one of loss, average, tiny/loss, tiny/accuracy")
  }
}
