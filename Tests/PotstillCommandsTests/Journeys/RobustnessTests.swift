import Datasets
import Encoders
import Evaluation
import Foundation
import ModelFormats
import Tasks
import Tensors
import TestSupport
import Testing

/// The report on robustness: its numbers, its sentences, and the training against what it found.
@Suite struct RobustnessTests {
  let world: TinyWorld
  let task: [String]
  let models: [String]

  init() throws {
    world = try TinyWorld()
    task = ["--task", world.path("tiny.yaml"), "--data", world.path("data")]
    models = ["--model", world.path("base"), "--student", world.path("other")]
    let tokenizer = try TokenizedModel(world.path("base")).tokenizer
    var config = try TaskModel(directory: URL(filePath: world.path("base"))).config
    config.layerCount = 1
    try TaskModel(config: config, seed: 9).save(
      to: world.folder.appending(path: "other"), tokenizer: tokenizer)
  }

  private func report(_ arguments: [String]) throws -> JSONValue {
    let run = potstill(["robustness", "--json"] + arguments)
    try #require(run.code == 0, "\(run.messages)")
    return try JSONValue(parsing: run.output)
  }

  /// What `evaluate --output` writes of each row: the answer and its probability.
  private func answers(_ model: String, _ task: [String]) throws -> [(
    answer: String, label: String, p: Double
  )] {
    let folder = world.path("answers-\(UUID().uuidString)")
    let run = potstill(["evaluate", "--model", model, "--output", folder] + task)
    try #require(run.code == 0, "\(run.messages)")
    return try String(contentsOfFile: folder + "/predictions.jsonl", encoding: .utf8).split(separator: "\n")
      .map { line in
        let row = try JSONValue(parsing: String(line))
        return (
          row["prediction"]?.stringValue ?? "", row["label"]?.stringValue ?? "",
          row["probability"]?.doubleValue ?? -1
        )
      }
  }

  @Test func twoRunsAreEqualAndEachNumberIsWhatTheAnswersSay() throws {
    let runs = FixedThreads.run { (0..<2).map { _ in potstill(["robustness", "--json"] + models + task) } }
    let first = runs[0]
    try #require(first.code == 0, "\(first.messages)")
    #expect(runs[1].output == first.output)
    #expect(potstill(["robustness", "--json", "--seed", "2"] + models + task).output != first.output)
    let report = try JSONValue(parsing: first.output)
    let conditions = try #require(report["conditions"]?.arrayValue)
    #expect(
      conditions.compactMap { $0["name"]?.stringValue } == ["clean"]
        + Perturbation.Kind.allCases.map(\.rawValue))
    #expect(report["metric"]?.stringValue == "accuracy" && report["strength"]?.doubleValue == 0.1)

    // The changed rows as a file of their own give the same numbers by way of `evaluate`.
    let data = try EvaluationData(
      TaskReader(
        task: try TaskDefinition(contentsOf: URL(filePath: world.path("tiny.yaml"))),
        folder: world.folder.appending(path: "data")), split: .validation)
    for condition in conditions {
      let name = try #require(condition["name"]?.stringValue)
      var rows = data.examples.texts
      if let kind = Perturbation.Kind(rawValue: name) {
        let (changed, places) = try Perturbation(kind).changed(data.examples, seed: 42)
        #expect(condition["rows"]?.intValue == places.count && places.count > 0, "\(name)")
        let clean = rows
        rows = places.map { clean[$0] }
        let lines = zip(changed.texts, rows).map { "\($0.text)\t\($1.label ?? 0)\n" }
        try write(lines, "changed.tsv")
      } else {
        try write(rows.map { "\($0.text)\t\($0.label ?? 0)\n" }, "changed.tsv")
      }
      try write(rows.map { "\($0.text)\t\($0.label ?? 0)\n" }, "before.tsv")
      var ofFirst: [String] = []
      for (place, model) in ["base", "other"].enumerated() {
        let file = { (name: String) in task + ["--validation-file", world.path("data/" + name)] }
        let after = try answers(world.path(model), file("changed.tsv"))
        let before = try answers(world.path(model), file("before.tsv"))
        let found = try #require(condition["models"]?[place])
        let isNegation = name == "negation"
        func accuracy(_ rows: [(answer: String, label: String, p: Double)]) -> Double {
          Double(rows.count { $0.answer == $0.label }) / Double(rows.count)
        }
        #expect(found["eval_accuracy"]?.doubleValue == (isNegation ? nil : accuracy(after)), "\(name)")
        #expect(found["clean_accuracy"]?.doubleValue == accuracy(before), "\(name)")
        if name != "clean" {
          #expect(
            found["flipped"]?.intValue == zip(before, after).count { $0.answer != $1.answer }, "\(name)")
          #expect(found["drop"]?.doubleValue == (isNegation ? nil : accuracy(before) - accuracy(after)))
        }
        var calibration = Calibration()
        for row in after { calibration.add(row.p, isRight: row.answer == row.label) }
        // Batches of other rows move the last bits of a probability.
        let error = isNegation ? nil : calibration.expectedError
        #expect(abs((found["ece"]?.doubleValue ?? -1) - (error ?? -1)) < 1e-5, "\(name)")
        if place == 0 { ofFirst = after.map(\.answer) }
        #expect(
          found["agreement"]?.doubleValue
            == (place == 0 ? nil : Agreement.value(ofFirst, after.map(\.answer))))
      }
    }
  }

  private func write(_ lines: [String], _ name: String) throws {
    try Data(("sentence\tlabel\n" + lines.joined()).utf8).write(
      to: world.folder.appending(path: "data/" + name))
  }

  @Test func theTableEndsWithTheOptionThatTrainsAgainstIt() throws {
    let teacher = world.path("teacher")
    let trained = potstill(["train", "--model", world.path("base"), "--output", teacher] + task)
    try #require(trained.code == 0, "\(trained.messages)")
    let run = potstill(["robustness", "--model", world.path("other"), "--student", teacher] + task)
    try #require(run.code == 0, "\(run.messages)")
    let lines = run.output.split(separator: "\n").map(String.init)
    #expect(lines[0].contains("accuracy") && lines[0].contains("flipped") && lines[0].contains("agrees"))
    #expect(lines.contains { $0.hasPrefix("homophones") } && run.output.contains(" lost "))
    let last = try #require(lines.last)
    #expect(last.hasPrefix("To train against it: potstill distill … --augment "), "\(last)")
    let methods = try #require(last.split(separator: " ").last.map(String.init))
    let distilled = potstill(
      [
        "distill", "--teacher", teacher, "--student", "T1", "--output", world.path("student"),
        "--num-train-epochs",
        "1", "--augment", methods,
      ] + task)
    #expect(distilled.code == 0, "\(distilled.messages)")
    #expect(distilled.messages.contains("augmentation: "), "\(distilled.messages)")
    // A strength of its own goes into the option.
    let strong = try report(
      [
        "--model", teacher, "--student", world.path("other"), "--strength", "0.5", "--perturbations",
        "word_order,typos",
      ]
        + task)
    if let option = strong["augment"]?.stringValue {
      #expect(
        try AugmentationRecipe.parts(reading: option).allSatisfy {
          if case .perturbation(let perturbation) = $0.method { perturbation.strength == 0.5 } else { false }
        })
    }
    #expect(strong["conditions"]?.arrayValue?.count == 3)
  }

  @Test func aModelOfOneAnswerIsNotCalledRobust() throws {
    let model = try TaskModel(directory: URL(filePath: world.path("other")))
    let bias = try #require(model.parameters.first { $0.name == "classifier.bias" })
    bias.assign(Tensor([0, 100], shape: bias.shape))
    try model.save(
      to: world.folder.appending(path: "stuck"), tokenizer: try TokenizedModel(world.path("base")).tokenizer)
    let names = ["base", "other", "stuck"]
    let students = ["--student", world.path("other"), "--student", world.path("stuck")]
    let report = try report(["--perturbations", "case", "--model", world.path("base")] + students + task)
    let findings = report["findings"]?.arrayValue?.compactMap(\.stringValue) ?? []
    for (place, name) in names.enumerated() {
      let given = Set(try answers(world.path(name), task).map(\.answer))
      let constant = given.count == 1 ? given.first : nil
      #expect(
        report["conditions"]?[0]?["models"]?[place]?["constant_answer"]?.stringValue == constant, "\(name)")
      let beginning = "\(world.path(name)) gives all rows the answer \"\(constant ?? "")\", so no change"
      #expect(findings.contains { $0.hasPrefix(beginning) } == (constant != nil), "\(name): \(findings)")
      #expect(name != "stuck" || constant == "positive")
    }
  }

  @Test func theReportIsWrittenAndNothingIsWrittenOver() throws {
    let file = world.path("report.json")
    let arguments =
      ["robustness", "--output", file, "--perturbations", "case", "--model", world.path("base")] + task
    let run = potstill(arguments)
    #expect(run.code == 0, "\(run.messages)")
    let written = try JSONValue(parsing: world.text("report.json"))
    #expect(try written == report(["--perturbations", "case", "--model", world.path("base")] + task))
    #expect(
      written["models"]?.arrayValue?.count == 1
        && written["conditions"]?[1]?["models"]?[0]?["agreement"] == nil)
    let again = potstill(arguments)
    #expect(again.code == 1 && again.messages.contains("report.json exists already"))
    #expect(potstill(arguments + ["--overwrite-output-dir"]).code == 0)
    let over = potstill(
      [
        "robustness", "--output", world.path("data/dev.tsv"), "--overwrite-output-dir", "--model",
        world.path("base"),
      ]
        + task)
    #expect(over.code == 1 && over.messages.contains("is a file that is read"), "\(over.messages)")
  }

  @Test func rowsOfAnotherDomainAreScoredOrComparedAlone() throws {
    try Data("the tea was good .\nnot a film\n".utf8).write(to: world.folder.appending(path: "plain.txt"))
    try Data("label,sentence\n1,\"the room was fine , very\"\n0,bad tea\n1,good\n".utf8)
      .write(to: world.folder.appending(path: "rows.csv"))
    try Data(
      """
      {name: tweets, kind: classification, test_file: tweets.tsv, text_column: tweet, label_column: mood,
       labels: [positive, negative], metrics: [accuracy], max_seq_length: 24}
      """.utf8
    ).write(to: world.folder.appending(path: "tweets.yaml"))
    try Data("mood\ttweet\npositive\tgood\nnegative\tthe tea was bad\n".utf8)
      .write(to: world.folder.appending(path: "tweets.tsv"))
    let others = ["plain.txt", "rows.csv", "tweets.yaml"].flatMap { ["--out-of-domain", world.path($0)] }
    let report = try report(others + ["--perturbations", "case"] + models + task)
    let conditions = try #require(report["conditions"]?.arrayValue?.suffix(3))
    #expect(conditions.map { $0["rows"]?.intValue } == [2, 3, 2])
    #expect(conditions.allSatisfy { $0["out_of_domain"]?.boolValue == true })
    let students = conditions.compactMap { $0["models"]?[1] }
    #expect(students.map { $0["eval_accuracy"] != nil } == [false, true, true])
    #expect(students.allSatisfy { $0["agreement"] != nil && $0["flipped"] == nil })
    let clean = report["conditions"]?[0]?["models"]?[1]?["eval_accuracy"]?.doubleValue ?? -1
    #expect(students[1]["drop"]?.doubleValue == clean - (students[1]["eval_accuracy"]?.doubleValue ?? -1))
    let text = try world.text("tweets.yaml").replacing("[positive, negative]", with: "[joy, anger]")
    try Data(text.utf8).write(to: world.folder.appending(path: "moods.yaml"))
    let wrong = potstill(["robustness", "--out-of-domain", world.path("moods.yaml")] + models + task)
    #expect(wrong.code == 1 && wrong.messages.contains("of the labels joy, anger; expected a classification"))
  }

  @Test(arguments: ["regression", "multi_label", "token_classification", "pair"])
  func otherKindsOfTasks(_ kind: String) throws {
    var definition = TaskDefinition(
      name: "rows", kind: try #require(TaskKind(rawValue: kind)), trainFile: "train.tsv",
      validationFile: "dev.tsv",
      labels: kind == "regression" ? [] : kind == "token_classification" ? ["X"] : ["no", "yes"])
    if kind == "pair" || kind == "regression" {
      (definition.textColumn, definition.textPairColumn) = (.name("text"), .name("pair"))
    }
    (definition.maxSequenceLength, definition.docStride) = (24, 8)
    let folder = world.folder.appending(path: "rows")
    try SampleRows(task: definition).write(to: folder)
    let base = try TokenizedModel(world.path("base"))
    var config = base.model.config
    config.head = definition.kind.head
    if let problem = definition.kind.problemType { config.problemType = problem }
    let family = definition.kind
    config.labels =
      family.rawValue == "regression"
      ? ["LABEL_0"] : family.rawValue == "token_classification" ? definition.tagSet.names : definition.labels
    for (name, seed) in [("one", 3), ("two", 4)] {
      try TaskModel(config: config, seed: UInt64(seed)).save(
        to: world.folder.appending(path: name), tokenizer: base.tokenizer)
    }
    let data = try EvaluationData(TaskReader(task: definition, folder: folder), split: .validation)
    let loaded = try ["one", "two"].map { try TokenizedModel(world.path($0), for: definition.kind) }
    let report = try RobustnessReport(of: loaded, on: data)
    let names = Perturbation.Kind.allCases.filter { kind != "token_classification" || $0.keepsWords }.map(
      \.rawValue)
    #expect(report.conditions.map(\.name) == ["clean"] + names)
    let typos = report.conditions[1]
    #expect(typos.rowCount == data.examples.count && typos.results.count == 2)
    let student = typos.results[1]
    switch kind {
    case "regression":
      #expect(
        student.flips == nil && student.meanChange != nil && student.correlation != nil
          && student.calibration == nil)
    default:
      #expect(student.flips != nil && student.meanChange == nil && student.agreement != nil)
      let perRow = kind == "multi_label" ? 2 : 1
      let count = student.calibration?.count ?? 0
      #expect(kind == "token_classification" ? count > typos.rowCount : count == perRow * typos.rowCount)
      #expect((student.brier == nil) == (kind == "token_classification"))
    }
    #expect(report.findings.count >= 1 && report.json["conditions"]?.arrayValue?.count == names.count + 1)
    let negation = report.conditions.first { $0.name == "negation" }
    #expect(
      negation?.results.allSatisfy { $0.scores.isEmpty && $0.drop == nil && $0.calibration == nil } ?? true)
  }
}
