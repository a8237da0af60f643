import Datasets
import Foundation
import ModelFormats
import PotstillCommands
import Tasks
import Testing
import Yams

/// Every recipe of `tasks/`, from its files to a distilled student, on rows of its kind made on the spot.
@Suite("Recipe runs")
struct RecipeRunTests {
  @Test("a recipe trains, is scored, predicts and distils", arguments: TaskFilesTests.catalog.names)
  func runs(name: String) throws {
    let url = try TaskFilesTests.catalog.url(for: name)
    let task = try YAMLDecoder().decode(TaskDefinition.self, from: Data(contentsOf: url))
    try check(task, recipe: url.path)
  }

  /// A data set that no recipe of Potstill knows needs a file and nothing else.
  @Test("a new data set of a known kind needs only a YAML file")
  func newDataSet() throws {
    let world = try TinyWorld()
    let yaml = """
      name: genes
      kind: token_classification
      format: conll
      train_file: genes.train
      validation_file: genes.dev
      labels: [GENE, PROTEIN]
      scheme: BIOES
      input_scheme: BIO
      metrics: [overall_f1]
      max_seq_length: 24

      """
    let file = world.folder.appending(path: "genes.yaml")
    try Data(yaml.utf8).write(to: file)
    try check(try YAMLDecoder().decode(TaskDefinition.self, from: yaml), recipe: file.path)
  }

  /// What predict prints of a text has the form of the kind.
  private func checkPrediction(_ task: TaskDefinition, _ world: TinyWorld) throws {
    let texts = ["the film was good .", "the room was not very lovely ."]
    let run = potstill(["predict", "--model", world.path("teacher"), "--json"] + texts)
    try #require(run.code == 0, "\(run.messages)")
    let lines = try run.output.split(separator: "\n").map { try JSONValue(parsing: String($0)) }
    switch task.kind {
    case .questionAnswering:
      // A question and its passage make one answer, a piece of the passage.
      try #require(lines.count == 1)
      let answer = try #require(lines[0]["answer"]?.stringValue)
      let start = try #require(lines[0]["start"]?.intValue)
      let end = try #require(lines[0]["end"]?.intValue)
      #expect(Self.slice(texts[1], start, end) == answer && lines[0]["score"]?.doubleValue != nil)
    case .tokenClassification:
      try #require(lines.count == 2)
      for (line, text) in zip(lines, texts) {
        for entity in try #require(line["entities"]?.arrayValue) {
          let start = try #require(entity["start"]?.intValue)
          let end = try #require(entity["end"]?.intValue)
          #expect(entity["word"]?.stringValue == Self.slice(text, start, end))
          #expect(task.labels.contains(entity["entity_group"]?.stringValue ?? ""))
        }
      }
    case .sentenceSimilarity:
      // The texts by turns make one pair.
      try #require(lines.count == 1)
      #expect(abs(try #require(lines[0]["similarity"]?.doubleValue)) <= 1.0001)
    case .regression:
      try #require(lines.count == 2)
      #expect(lines.allSatisfy { $0["value"]?.doubleValue != nil })
    default:
      try #require(lines.count == 2)
      #expect(lines.allSatisfy { task.labels.contains($0["label"]?.stringValue ?? "") })
    }
  }

  /// A piece of a text by Unicode scalars.
  private static func slice(_ text: String, _ start: Int, _ end: Int) -> String {
    String(String.UnicodeScalarView(text.unicodeScalars.dropFirst(start).prefix(end - start)))
  }

  /// Every row of the test files, which have no labels, gets an answer in the terms of the files.
  private func checkTest(_ task: TaskDefinition, _ world: TinyWorld, _ options: [String]) throws {
    let parts: [String?] = [nil] + task.parts(of: .test).map { Optional($0) }
    for part in parts {
      let output = "test-" + (part ?? "main")
      let run = potstill(
        ["evaluate", "--model", world.path("teacher"), "--split", "test", "--output", world.path(output)]
          + (part.map { ["--part", $0] } ?? []) + options)
      try #require(run.code == 0, "\(run.messages)")
      switch task.kind {
      case .questionAnswering:
        let answers = try JSONValue(parsing: world.text(output + "/predictions.json"))
        #expect(answers.objectValue?.keys == (0..<12).map { "q\($0)" })
      case .tokenClassification:
        let text = try world.text(output + "/predictions.txt")
        #expect(text.components(separatedBy: "\n\n").count == 24 + 1)
        // MSRA's test file serves to validate too, so it has tags, which stand between word and answer.
        let columns = task.testFile?.path == task.validationFile?.path ? 3 : 2
        #expect(text.split(separator: "\n").allSatisfy { $0.split(separator: " ").count == columns })
      default:
        let lines = try world.text(output + "/predictions.tsv").split(separator: "\n").dropFirst()
        let rows = lines.map { line in line.split(separator: "\t").map { String($0) } }
        #expect(rows.map { $0[0] } == (0..<24).map { String($0) })
        let values = task.labelValues.isEmpty ? task.labels : Array(task.labelValues.keys)
        #expect(rows.allSatisfy { task.labels.isEmpty ? Double($0[1]) != nil : values.contains($0[1]) })
      }
    }
  }

  private func check(_ task: TaskDefinition, recipe: String) throws {
    let world = try TinyWorld()
    try SampleRows(task: task).write(to: world.folder.appending(path: "rows"))
    let options = ["--task", recipe, "--data", world.path("rows")]
    let steps = ["--max-steps", "3", "--save-strategy", "no", "--quiet", "--json"]
    let trained = potstill(
      ["train", "--model", world.path("base"), "--output", world.path("teacher")] + options + steps)
    try #require(trained.code == 0, "\(trained.messages)")
    let results = try JSONValue(parsing: trained.output)
    for metric in task.metrics { #expect(results["eval_" + metric]?.doubleValue != nil, "no \(metric)") }

    let evaluated = potstill(
      ["evaluate", "--model", world.path("teacher"), "--output", world.path("answers"), "--json"] + options)
    try #require(evaluated.code == 0, "\(evaluated.messages)")
    let scores = try JSONValue(parsing: evaluated.output)
    for metric in task.metrics { #expect(scores["eval_" + metric] == results["eval_" + metric]) }
    let predictions =
      switch task.kind {
      case .questionAnswering: "predictions.json"
      case .tokenClassification: "predictions.txt"
      default: "predictions.tsv"
      }
    #expect(try !world.text("answers/" + predictions).isEmpty)
    try checkPrediction(task, world)
    if task.testFile != nil { try checkTest(task, world, options) }
    for (name, _) in task.extraFiles where name.hasPrefix("validation_") {
      let part = String(name.dropFirst("validation_".count))
      let run = potstill(["evaluate", "--model", world.path("teacher"), "--part", part] + options)
      #expect(run.code == 0, "\(run.messages)")
    }

    let distilled = potstill(
      [
        "distill", "--teacher", world.path("teacher"), "--student", "T1", "--output", world.path("student"),
        "--match", #"{"layer_T": 2, "layer_S": 1, "loss": "hidden_mse"}"#, "--hard-label-weight", "0.5",
      ] + options + steps)
    try #require(distilled.code == 0, "\(distilled.messages)")
    let student = try JSONValue(parsing: distilled.output)
    #expect(student["teacher_eval_" + task.metrics[0]] == results["eval_" + task.metrics[0]])
  }
}
