import Datasets
import Evaluation
import Foundation
import ModelFormats
import Reports
import Tasks
import Testing

/// Run folders as runs leave them, made of a few rows; gone when this is.
final class RunWorld {
  let folder: URL

  init() throws {
    folder = FileManager.default.temporaryDirectory.appending(path: "reports-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
  }

  deinit { try? FileManager.default.removeItem(at: folder) }

  func write(_ name: String, _ text: String) throws {
    let url = folder.appending(path: name)
    try FileManager.default.createDirectory(
      at: url.deletingLastPathComponent(), withIntermediateDirectories: true)
    try Data(text.utf8).write(to: url)
  }

  /// Makes the folder of a run.
  ///
  /// - Parameters:
  ///   - task: The task.
  ///   - predictions: Answers of the task's form.
  ///   - rows: Lines of `eval_predictions.jsonl`.
  @discardableResult
  func run(
    _ name: String, _ task: TaskDefinition, answered predictions: TaskPredictions, rows: [String]? = nil,
    score: Double = 0.5, parameters: Int = 1000, latency: Double = 2, otherTasks: [String]? = nil,
    furtherTeachers: Int = 0
  ) throws -> URL {
    let run = folder.appending(path: name, directoryHint: .isDirectory)
    try FileManager.default.createDirectory(at: run, withIntermediateDirectories: true)
    func model(_ role: RunFacts.Model.Role, _ score: Double, parameters: Int, latency: Double)
      -> RunFacts.Model
    {
      RunFacts.Model(
        ModelMeasurement(
          name: "/home/somebody/\(role.rawValue)", layers: 2, parameters: parameters,
          samplesPerSecond: 1234.56,
          latency: latency, metrics: [Score(task.metrics[0], score)]), as: role, named: role.rawValue)
    }
    try RunFacts(
      title: name, method: .distillation,
      task: RunFacts.Task(task, name: task.name, answered: predictions), base: "T2", otherTasks: otherTasks,
      rows: RunFacts.Rows(train: 20, labelled: 10, validation: rows?.count ?? 0),
      models: (0...furtherTeachers).map { _ in model(.teacher, 0.75, parameters: 4000, latency: 8) } + [
        model(.student, score, parameters: parameters, latency: latency)
      ]
    ).write(to: run)
    if let rows { try write("\(name)/eval_predictions.jsonl", rows.map { $0 + "\n" }.joined()) }
    return run
  }

  static let sentiment = TaskDefinition(name: "mood", labels: ["a", "b"])

  /// Four rows of two labels: one that both answer rightly for each, one that the student loses, one that both get wrong.
  static let rows = [("a", 0.9, 0.8), ("a", 0.4, 0.7), ("b", 0.05, 0.1), ("b", 0.55, 0.75)].enumerated().map {
    line($0, gold: $1.0, student: $1.1, teacher: $1.2)
  }

  /// A line of a row with the probabilities that both models give to `a`.
  static func line(
    _ index: Int, gold: String, student: Double, teacher: Double, text: String = "some text"
  ) -> String {
    func answer(_ prefix: String, _ a: Double) -> String {
      let b = ((1 - a) * 1e6).rounded() / 1e6
      return
        "\"\(prefix)prediction\": \"\(a >= 0.5 ? "a" : "b")\", \"\(prefix)probability\": \(max(a, b)), "
        + "\"\(prefix)probabilities\": {\"a\": \(a), \"b\": \(b)}"
    }
    let quoted = JSONValue.string(text).compactText
    return
      "{\"index\": \(index), \"text\": \(quoted), \"label\": \"\(gold)\", \(answer("", student)), \(answer("teacher_", teacher))}"
  }

  /// The run of the four rows, with everything that a run writes.
  func wholeRun(_ name: String = "student", score: Double = 0.5) throws -> URL {
    let run = try run(name, Self.sentiment, answered: .labels([]), rows: Self.rows, score: score)
    try write("\(name)/recipe.yaml", "teacher: teacher/\nstudent: T2\n")
    try write(
      "\(name)/all_results.json",
      #"{"train_runtime": 12.5, "eval_accuracy": 0.5, "teacher_eval_accuracy": 0.75}"#)
    try write(
      "\(name)/metrics.jsonl",
      """
      {"step": 1, "epoch": 0.5, "loss": 3.5, "parts": {"unweighted_kd_loss": 3.0}, "learning_rate": 0.001, "grad_norm": 2.0}
      {"step": 2, "epoch": 1.0, "eval_loss": 0.6, "eval_accuracy": 0.25, "eval_runtime": 0.1, "eval_samples": 4}
      {"step": 3, "epoch": 1.5, "loss": 2.5, "parts": {"unweighted_kd_loss": 2.0}, "learning_rate": 0.0, "grad_norm": 1.0}

      """)
    try write("\(name)/baseline/metrics.jsonl", #"{"step": 2, "epoch": 1.0, "eval_accuracy": 0.2}"# + "\n")
    try write(
      "\(name)/plan.json",
      """
      {"teacher": {"name": "/home/somebody/teacher", "parameters": 4000, "layers": 4, "hidden_size": 8, "heads": 2},
       "student": {"name": "T2", "parameters": 1000, "layers": 2, "hidden_size": 8, "heads": 2}, "copied_layers": [2, 4],
       "distillation": {"kd_loss_weight": 1, "kd_loss_type": "ce", "temperature": 4, "hard_label_weight": 0.5},
       "matches": [
        {"teacher_layer": "embeddings", "student_layer": "embeddings", "loss": "hidden_mse", "weight": 1.0, "projection": null},
        {"teacher_layer": "layer 2, layer 4", "student_layer": "layer 1, layer 2", "loss": "nst", "weight": 2.0, "projection": null},
        {"teacher_layer": "all layers", "student_layer": "all layers", "loss": "emd", "weight": 1.0, "projection": "linear 8 → 8"},
        {"teacher_layer": "pooler", "student_layer": "pooler", "loss": "mse", "weight": 1.0, "projection": null}], "steps": 3}
      """)
    return run
  }

  /// Expects that no report is made of the run once one of its files holds some text, with an error that says so.
  func expectRefusal(of text: String, as file: String, saying expected: String) throws {
    let run = try wholeRun()
    try write("student/" + file, text)
    let error = #expect(throws: FormatError.self) { try RunReport(of: run) }
    let said = error.map { "\($0)" } ?? "no error"
    #expect(said.contains(expected), "\(said)")
  }
}
