import Datasets
import Foundation
import ModelFormats
import Tensors
import TestSupport
import Testing
import Training

/// Reports of a run beside its log: the table, TensorBoard's event files, MLflow's files.
@Suite struct ReportTests {
  private struct Interruption: Error {}

  private let folder: TemporaryFolder
  private var events: URL { TensorBoardReport.folder(in: folder.url) }
  private var store: URL { MLflowReport.folder(in: folder.url) }

  init() throws { folder = try TemporaryFolder() }

  private var config: TrainingConfig {
    var config = TrainingConfig()
    config.learningRate = 0.05
    config.perDeviceTrainBatchSize = 4
    config.loggingSteps = 3
    config.saveSteps = 5
    config.saveStrategy = .steps
    config.evalStrategy = .steps
    config.evalSteps = 4
    config.reportTo = ReportTarget.allCases
    return config
  }

  /// Trains 39 updates, or breaks off after some.
  private func run(breaksAfter: Int = .max, resuming point: ResumePoint? = nil) throws {
    let model = ToyModel()
    var calls = 0
    model.hook = { _ in
      calls += 1
      if calls > breaksAfter { throw Interruption() }
      return 1
    }
    let run = RunDescription(
      "toy", recipe: "learning_rate: 0.05\n", plan: ["loss     1 × labels", "steps    39"], settings: config)
    _ = try TrainingLoop(
      config: config, objective: model, data: TrainingData(toyExamples(50), config: config),
      evaluate: { try model.evaluate(toyExamples(40, seed: 9)) }, checkpoints: CheckpointFolder(folder.url),
      observers: [try RunLog(folder.url)] + run.reports(in: folder.url)
    ).run(resumingFrom: point)
  }

  private func text(_ path: String) throws -> String {
    try String(contentsOf: folder.url.appending(path: path), encoding: .utf8)
  }

  private func rows() throws -> [JSONObject] {
    try text("metrics.jsonl").split(separator: "\n").map {
      try #require(try JSONValue(parsing: String($0)).objectValue)
    }
  }

  /// The members of a row, those of parts under their long names.
  private func flat(_ row: JSONObject) -> [String: Double] {
    var values: [String: Double] = [:]
    for (key, value) in row {
      values[key] = value.doubleValue
      for (name, part) in value.objectValue ?? JSONObject() { values["\(key).\(name)"] = part.doubleValue }
    }
    return values
  }

  /// Checks the table beside the log, row by row.
  private func checkTable() throws {
    let lines = try text("metrics.csv").split(separator: "\n").map {
      $0.split(separator: ",", omittingEmptySubsequences: false).map(String.init)
    }
    let rows = try rows()
    #expect(lines.count == rows.count + 1)
    #expect(
      lines[0].prefix(7) == [
        "step", "epoch", "loss", "learning_rate", "grad_norm", "samples_per_second", "tokens_per_second",
      ])
    for (line, row) in zip(lines.dropFirst(), rows) {
      #expect(line.count == lines[0].count)
      let pairs = zip(lines[0], line).filter { !$0.1.isEmpty }.map { ($0.0, Double($0.1)) }
      #expect(Dictionary(uniqueKeysWithValues: pairs) == flat(row).mapValues { Optional($0) })
    }
  }

  /// Checks the event files beside the log.
  private func checkEvents() throws {
    var expected: [Int: [String: Float]] = [:]
    for row in try rows() {
      let values = flat(row)
      let step = Int(try #require(values["step"]))
      let isEvaluation = values["loss"] == nil
      for (name, value) in values where name != "step" && !(isEvaluation && name == "epoch") {
        let tag =
          name.hasPrefix("eval_")
          ? "eval/" + name.dropFirst(5) : "train/" + name.replacing(/^parts\./, with: "")
        expected[step, default: [:]][tag] = Float(value)
      }
    }
    #expect(!expected.isEmpty)
    #expect(try EventFile.scalars(of: TensorBoardReport.files(in: events)) == expected)
  }

  /// Checks MLflow's metrics beside the log.
  private func checkMetrics(of run: URL) throws {
    let metrics = run.appending(path: "metrics")
    var found: [String: [Int: Double]] = [:]
    for name in try FileManager.default.contentsOfDirectory(atPath: metrics.path) {
      for line in try String(contentsOf: metrics.appending(path: name), encoding: .utf8).split(
        separator: "\n")
      {
        let fields = line.split(separator: " ")
        let step = try #require(Int(fields[2]))
        let value = try #require(Double(fields[1]))
        let before = found[name, default: [:]].updateValue(value, forKey: step)
        #expect(before == nil, "\(name) has step \(step) twice")
      }
    }
    var expected: [String: [Int: Double]] = [:]
    for row in try rows().map(flat) {
      let step = Int(try #require(row["step"]))
      for (name, value) in row where name != "step" && !(row["loss"] == nil && name == "epoch") {
        expected[name, default: [:]][step] = value
      }
    }
    #expect(!expected.isEmpty && found == expected)
  }

  @Test func everyReportHasTheRowsOfTheLog() throws {
    try run()
    try checkTable()
    try checkEvents()
    let files = TensorBoardReport.files(in: events)
    #expect(files.count == 1)
    let first = try EventFile(files[0]).events
    #expect(first[0].version == "brain.Event:2" && first[0].step == 0)
    #expect(first[1].texts == ["recipe": "```\nlearning_rate: 0.05\n```"])
    #expect(first[2].texts == ["plan": "```\nloss     1 × labels\nsteps    39\n```"])
    #expect(first.allSatisfy { !$0.isSessionStart })
    #expect(first.contains { $0.scalars["train/cross_entropy"] != nil })
    #expect(first.contains { $0.scalars["eval/accuracy"] != nil })
  }

  @Test func mlflowHasTheRun() throws {
    try run()
    let runs = MLflowReport.runs(in: store)
    #expect(runs.count == 1)
    try checkMetrics(of: runs[0])
    func text(_ path: String) throws -> String {
      try String(contentsOf: runs[0].appending(path: path), encoding: .utf8)
    }
    #expect(try text("params/learning_rate") == "0.05" && text("params/report_to").contains("mlflow"))
    #expect(try text("tags/mlflow.runName") == "toy")
    #expect(try text("artifacts/recipe.yaml") == "learning_rate: 0.05\n")
    #expect(try text("artifacts/plan.txt") == "loss     1 × labels\nsteps    39\n")
    let meta = try text("meta.yaml")
    #expect(
      meta.contains("\nstatus: 3\n") && meta.contains("run_name: \"toy\"") && !meta.contains("end_time: null")
    )
    #expect(try self.text("mlruns/0/meta.yaml").contains("experiment_id: '0'"))
  }

  @Test("a run that broke off and went on has each step once", arguments: [7, 14])
  func resumption(breaksAfter: Int) throws {
    #expect(throws: Interruption.self) { try run(breaksAfter: breaksAfter) }
    let broken = TensorBoardReport.files(in: events)
    // A kill in the middle of a record leaves it cut off.
    let record = EventRecord(.scalars([("train/loss", 1)]), step: 99, wallTime: 1).bytes
    let bytes = [UInt8](try Data(contentsOf: broken[0]))
    try Data(bytes + record.dropLast(3)).write(to: broken[0])
    let runs = MLflowReport.runs(in: store)
    try run(resuming: .newest)
    let files = TensorBoardReport.files(in: events)
    #expect(files.count == 2 && files[0] == broken[0])
    let checkpoint = breaksAfter / 5 * 5
    let second = try EventFile(files[1]).events
    #expect(second[1].isSessionStart && second[1].step == checkpoint + 1)
    #expect(second.dropFirst().allSatisfy { $0.step >= checkpoint })
    #expect(second.allSatisfy { $0.scalars.isEmpty || $0.step > checkpoint })
    try checkTable()
    try checkEvents()
    #expect(MLflowReport.runs(in: store) == runs && runs.count == 1)
    try checkMetrics(of: runs[0])
    #expect(
      try String(contentsOf: runs[0].appending(path: "meta.yaml"), encoding: .utf8).contains("status: 3"))
  }

  /// A model whose parts of the loss have awkward names.
  private final class Named: TrainingObjective {
    let model = ToyModel()
    var groups: [ParameterGroup] { model.groups }
    func loss(_ batch: Batch, progress: Double, in context: Context) throws -> StepLoss {
      let loss = try model.loss(batch, progress: progress, in: context).total
      return StepLoss(loss, parts: [("a, \"b\"", 1), ("loss", 2), ("nan", .nan)])
    }
  }

  @Test func awkwardNamesAndValuesKeepEveryFormValid() throws {
    var config = self.config
    (config.evalStrategy, config.saveStrategy, config.maxSteps) = (.never, .never, 3)
    let run = RunDescription("names", settings: config)
    _ = try TrainingLoop(
      config: config, objective: Named(), data: TrainingData(toyExamples(20), config: config),
      observers: [try RunLog(folder.url)] + run.reports(in: folder.url)
    ).run()
    let lines = try text("metrics.csv").split(separator: "\n")
    #expect(lines.count == 2)
    #expect(lines[0].hasSuffix(#"tokens_per_second,"parts.a, ""b""",parts.loss,parts.nan"#))
    #expect(lines[1].hasPrefix("3,") && lines[1].hasSuffix(",1.0,2.0,"))
    let scalars = try #require(try EventFile.scalars(of: TensorBoardReport.files(in: events))[3])
    #expect(
      scalars["train/parts.loss"] == 2 && scalars["train/a, \"b\""] == 1 && (scalars["train/loss"] ?? 2) < 2)
    #expect(scalars["train/nan"]?.isNaN == true)
    let metrics = MLflowReport.runs(in: store)[0].appending(path: "metrics")
    let names = try FileManager.default.contentsOfDirectory(atPath: metrics.path)
    #expect(names.contains("parts.a_ _b_") && names.contains("parts.loss"))
  }

  @Test(
    "report_to is read as transformers has it",
    arguments: [
      (#""none""#, []), (#""all""#, ReportTarget.allCases), (#""tensorboard""#, [.tensorboard]),
      (#"["mlflow", "tensorboard"]"#, ReportTarget.allCases),
      (#""tensorboard, mlflow""#, ReportTarget.allCases),
      ("[]", []), ("null", []),
    ] as [(String, [ReportTarget])])
  func names(_ json: String, _ expected: [ReportTarget]) throws {
    let config = try TrainingConfig(json: try JSONValue(parsing: #"{"report_to": \#(json)}"#))
    #expect(config.reportTo == expected)
    #expect(try TrainingConfig(json: config.json) == config)
  }

  @Test(
    "a report that is not there is refused with the reason",
    arguments: [
      (
        #""wandb""#,
        "report_to: is \"wandb\", which only its own Python package writes for; expected none, all"
      ),
      (#"["tensorbord"]"#, "report_to: found \"tensorbord\"; did you mean \"tensorboard\"?"),
      (#"["none", "mlflow"]"#, "report_to: has \"none\" beside other names; leave one of them out"),
      ("3", "report_to: found 3, expected names such as tensorboard, or none"),
    ])
  func refusals(_ json: String, _ message: String) throws {
    let error = #expect(throws: TrainingError.self) {
      try TrainingConfig(json: try JSONValue(parsing: #"{"report_to": \#(json)}"#))
    }
    #expect(error?.description.contains(message) == true, "\(error.map { "\($0)" } ?? "")")
  }

  @Test func aFolderThatCannotBeMadeIsAnError() throws {
    try Data("a file".utf8).write(to: folder.url.appending(path: "runs"))
    let error = #expect(throws: TrainingError.self) { try run() }
    #expect(error?.description.contains("runs") == true)
  }
}
