import Datasets
import Foundation
import ModelFormats
import Potstill
import TestSupport
import Testing

/// `report.html` of run folders, and what it is made of.
@Suite struct ReportJourneyTests {
  let world: TinyWorld
  let task: [String]

  init() throws {
    world = try TinyWorld()
    task = [
      "--task", world.path("tiny.yaml"), "--data", world.path("data"), "--num-train-epochs", "2",
      "--logging-steps", "2",
    ]
  }

  @discardableResult
  private func run(_ arguments: [String]) throws -> ToolRun {
    let run = potstill(arguments)
    try #require(run.code == 0, "\(run.messages)")
    return run
  }

  private func rows(_ folder: String) throws -> [JSONValue] {
    try world.text(folder + "/eval_predictions.jsonl").split(separator: "\n").map {
      try JSONValue(parsing: String($0))
    }
  }

  private func data(_ file: String) throws -> JSONValue {
    let text = try world.text(file)
    let block = text.components(separatedBy: "<script type=\"application/json\" id=\"data\">")
    try #require(block.count == 2)
    return try JSONValue(parsing: block[1].components(separatedBy: "</script>")[0])
  }

  @Test("train and distil: the report is there, and the folder alone makes it again")
  func trainAndDistil() throws {
    try run(["train", "--model", world.path("base"), "--output", world.path("teacher")] + task)
    let trained = try data("teacher/report.html")
    #expect(trained["method"] == "fine-tuning" && trained["models"]?.arrayValue?.count == 1)
    #expect(trained["data"]?["classes"]?["rows"]?.arrayValue?.count == 2 && trained["plan"] == nil)
    #expect(try rows("teacher").allSatisfy { $0["teacher_prediction"] == nil && $0["label"] != nil })

    try run(
      [
        "distill", "--teacher", world.path("teacher"), "--student", "T1", "--baseline", "--hard-label-weight",
        "0.5", "--match", "uniform", "--output", world.path("student"),
      ] + task)
    let student = try data("student/report.html")
    #expect(student["models"]?.arrayValue?.map { $0["role"] } == ["teacher", "baseline", "student"])
    #expect(student["plan"]?["stages"]?[0]?["matches"]?.arrayValue?.count == 2)
    let found = try rows("student")
    #expect(found.count == 8)
    for (row, teachers) in zip(found, try rows("teacher")) {
      // What the teacher answers beside its student is what it answered by itself.
      #expect(row["text"] == teachers["text"] && row["teacher_prediction"] == teachers["prediction"])
      let sum = ["negative", "positive"].reduce(0) { $0 + (row["probabilities"]?[$1]?.doubleValue ?? 0) }
      #expect(abs(sum - 1) < 1e-6)
    }
    let plan = try JSONValue(parsing: try world.text("student/plan.json"))
    #expect(plan["matches"]?.arrayValue?.count == 2 && plan["distillation"]?["hard_label_weight"] == 0.5)

    let before = try Data(contentsOf: URL(filePath: world.path("student/report.html")))
    try FileManager.default.removeItem(atPath: world.path("student/report.html"))
    let again = try run(["report", world.path("student")])
    #expect(again.messages.contains("student/report.html"))
    #expect(try Data(contentsOf: URL(filePath: world.path("student/report.html"))) == before)

    let both = world.path("both.html")
    try run(["report", world.path("student"), world.path("teacher"), "--output", both])
    #expect(try data("both.html")["runs"]?.arrayValue?.count == 2)
    // A new run into the folder leaves nothing of the old one behind when it begins.
    let stopped = potstill(
      [
        "train", "--model", world.path("base"), "--output", world.path("student"), "--learning-rate", "1e30",
        "--overwrite-output-dir",
      ] + task)
    #expect(stopped.code != 0)
    for name in ["report.html", "report.json", "plan.json", "eval_predictions.jsonl"] {
      #expect(!FileManager.default.fileExists(atPath: world.path("student/" + name)), "\(name)")
    }
  }

  @Test("each of several tasks has a report, with its own part of the metrics")
  func severalTasks() throws {
    let tasks = ["one", "two"].map {
      "{\"task\": \"\(world.path("tiny.yaml"))\", \"name\": \"\($0)\", \"data\": \"\(world.path("data"))\", \"teacher\": \"\(world.path("base"))\"}"
    }
    try run([
      "multitask", "--tasks", "[\(tasks.joined(separator: ","))]", "--student", "T1", "--num-train-epochs",
      "2",
      "--output", world.path("multi"),
    ])
    for name in ["one", "two"] {
      let page = try data("multi/\(name)/report.html")
      #expect(page["task"]?["name"]?.stringValue == name && page["models"]?.arrayValue?.count == 2)
      let curves = page["curves"]?.arrayValue ?? []
      #expect(curves.contains { $0["chart"] == "scores" && $0["name"] == "accuracy" }, "\(curves)")
      #expect(!curves.contains { $0["name"]?.stringValue?.contains("/") == true && $0["chart"] == "scores" })
      #expect(page["plan"] != nil && page["recipe"] != nil)
    }
    let whole = potstill(["report", world.path("multi")])
    #expect(whole.code == 1 && whole.messages.contains("holds the runs one, two"), "\(whole.messages)")
  }

  @Test("pre-training has a report too, without rows")
  func preTraining() throws {
    try Data(String(repeating: "the film was good . the soup was very bad .\n", count: 40).utf8)
      .write(to: URL(filePath: world.path("text.txt")))
    try run([
      "pretrain", "--input", world.path("text.txt"), "--validation-file", world.path("text.txt"), "--model",
      world.path("base"), "--max-steps", "4", "--logging-steps", "1", "--max-seq-length", "16", "--output",
      world.path("words"),
    ])
    let page = try data("words/report.html")
    #expect(page["method"] == "pretraining" && page["rows"] == nil && page["models"]?.arrayValue?.count == 1)
    #expect(page["curves"]?.arrayValue?.contains { $0["chart"] == "loss" } == true)
  }

  @Test("a report that cannot be written is a warning")
  func failingReport() throws {
    final class Vandal: TrainingObserver {
      let file: URL
      init(_ file: URL) { self.file = file }
      func finished(_ summary: TrainingSummary) throws { try Data("mine".utf8).write(to: file) }
    }
    final class Listener: WorkListener {
      var warnings: [String] = []
      func warn(_ text: String) { warnings.append(text) }
    }
    let definition = try TaskDefinition(contentsOf: URL(filePath: world.path("tiny.yaml")))
    var job = try DistillationJob(
      JobTask(definition, data: world.path("data")), student: JobStudent(world.path("base")),
      output: world.path("trained"))
    job.training.maxSteps = 1
    let listener = Listener()
    let file = URL(filePath: world.path("trained/report.html"))
    let result = try job.prepare(listener).run(observers: [Vandal(file)])
    #expect(result.results["eval_accuracy"] != nil)
    #expect(
      listener.warnings.contains { $0.contains("the report of") && $0.contains("is no report of Potstill") })
    #expect(try world.text("trained/report.html") == "mine")
  }
}
