import Datasets
import Evaluation
import Foundation
import ModelFormats
import Reports
import Tasks
import Testing

/// Contents of reports, made of run folders alone.
@Suite struct RunReportTests {
  let world: RunWorld

  init() throws { world = try RunWorld() }

  private func data(_ run: URL) throws -> JSONValue { try RunReport(of: run).page.data }

  private func near(_ value: JSONValue?, _ expected: [Double]) -> Bool {
    let found = value?.arrayValue?.compactMap(\.doubleValue) ?? []
    return found.count == expected.count && zip(found, expected).allSatisfy { abs($0 - $1) < 1e-5 }
  }

  @Test("labels: classes, confusions, calibration, agreement, and the rows by their distance")
  func labels() throws {
    let data = try data(try world.wholeRun())
    let rows = try #require(data["data"])
    #expect(rows["count"] == 4)
    #expect(rows["agreement"] == [2, 1, 0, 1])
    let classes = try #require(rows["classes"]?["rows"]?.arrayValue)
    #expect(classes.map { $0[0] } == ["a", "b"])
    #expect(near(classes[0][1], [0.5, 0.5, 0.5, 2]) && near(classes[0][2], [2.0 / 3, 1, 0.8, 2]))
    #expect(rows["confusion"]?["student"] == [[1, 1], [1, 1]])
    #expect(rows["confusion"]?["teacher"] == [[2, 0], [1, 1]])
    // Of bins: 0.9 and 0.95 are right, 0.6 and 0.55 wrong.
    let ece: Double = (0.15 + 0.6 + 0.55) / 4
    #expect(abs((rows["calibration"]?["student"]?["ece"]?.doubleValue ?? 0) - ece) < 1e-5)
    let items = try #require(data["rows"]?["items"]?.arrayValue)
    #expect(items.map { $0["index"] } == [1, 3, 0, 2])
    #expect(near(.array(items.compactMap { $0["distance"] }), [0.3, 0.2, 0.1, 0.05]))
    #expect(items[0]["right"] == false && items[0]["teacher_right"] == true)
    #expect(items[0]["p_student"] == 0.6 && items[0]["gold"] == ["a"] && items[0]["teacher"] == ["a"])
  }

  @Test("curves come from metrics.jsonl of the run and its parts, the plan from plan.json")
  func curvesAndPlan() throws {
    let data = try data(try world.wholeRun())
    let curves = try #require(data["curves"]?.arrayValue)
    func points(_ chart: String, _ name: String, _ part: String = "student") -> JSONValue? {
      curves.first {
        $0["chart"]?.stringValue == chart && $0["name"]?.stringValue == name
          && $0["part"]?.stringValue == part
      }?[
        "points"]
    }
    #expect(points("loss", "loss") == [[1, 3.5], [3, 2.5]])
    #expect(points("parts", "unweighted_kd_loss") == [[1, 3.0], [3, 2.0]])
    #expect(
      points("scores", "accuracy") == [[2, 0.25]] && points("scores", "accuracy", "baseline") == [[2, 0.2]])
    #expect(
      points("loss", "eval_loss") == [[2, 0.6]]
        && points("learning_rate", "learning_rate") == [[1, 0.001], [3, 0.0]])
    #expect(points("scores", "runtime") == nil)
    let plan = try #require(data["plan"])
    #expect(plan["teacher"]?["name"] == "teacher" && plan["copied"] == [2, 4])
    let matches = try #require(plan["stages"]?[0]?["matches"]?.arrayValue)
    #expect(matches.map { $0["teacher"] } == [[0], [2, 4], "all", "pooler"])
    #expect(matches.map { $0["student"] } == [[0], [1, 2], "all", "pooler"])
    #expect(plan["stages"]?[0]?["kd"]?["temperature"] == 4 && plan["stages"]?[0]?["labels"] == 0.5)
    #expect(data["recipe"]?.stringValue?.hasPrefix("teacher: ") == true)
    #expect(data["results"]?["train_runtime"] == 12.5 && data["results"]?["teacher_eval_accuracy"] == nil)
    #expect(data["models"]?[1]?["samples_per_second"] == 1234.6)
  }

  @Test("entities: scores of types, probabilities of tags, and the words with the entities of each side")
  func entities() throws {
    let task = TaskDefinition(
      name: "names", kind: .tokenClassification, labels: ["PER", "LOC"], metrics: ["overall_f1"])
    let run = try world.run(
      "tagger", task, answered: .tags([]),
      rows: [
        #"{"tokens": ["Ada", "in", "Rome"], "label": ["B-PER", "O", "B-LOC"], "prediction": ["B-PER", "O", "O"], "probabilities": [0.9, 0.8, 0.6], "teacher_prediction": ["B-PER", "O", "B-LOC"], "teacher_probabilities": [0.9, 0.9, 0.9]}"#,
        #"{"tokens": ["北", "京"], "label": ["B-LOC", "I-LOC"], "prediction": ["B-LOC", "I-LOC"], "probabilities": [1, 1], "teacher_prediction": ["B-LOC", "I-LOC"], "teacher_probabilities": [1, 1]}"#,
      ])
    let data = try data(run)
    let classes = try #require(data["data"]?["classes"]?["rows"]?.arrayValue)
    #expect(classes.map { $0[0] } == ["PER", "LOC"])
    #expect(near(classes[1][1], [1, 0.5, 2.0 / 3, 2]) && near(classes[1][2], [1, 1, 1, 2]))
    // Bins of 0.8; 0.6, which is wrong; and 0.9 with twice 1, all right.
    let ece: Double = (0.1 + 0.2 + 0.6) / 5
    #expect(abs((data["data"]?["calibration"]?["student"]?["ece"]?.doubleValue ?? 0) - ece) < 1e-5)
    let items = try #require(data["rows"]?["items"]?.arrayValue)
    #expect(items.count == 1 && items[0]["words"] == ["Ada", "in", "Rome"])
    #expect(items[0]["student"] == [[0, 1, "PER"]] && items[0]["gold"] == [[0, 1, "PER"], [2, 3, "LOC"]])
  }

  @Test("answers: F1 of the script, and the passage around the places")
  func answers() throws {
    let task = TaskDefinition(name: "quiz", kind: .questionAnswering, metrics: ["f1", "exact_match"])
    let passage =
      String(repeating: "filler ", count: 400) + "Ada lived in old Rome. "
      + String(repeating: "more ", count: 400)
    let start = 400 * 7
    let run = try world.run(
      "reader", task, answered: .answers([]),
      rows: [
        "{\"id\": \"q\", \"question\": \"Where?\", \"context\": \"\(passage)\", \"label\": [\"old Rome\"], \"prediction\": \"Rome\", \"probability\": 0.7, \"start\": \(start + 17), \"end\": \(start + 21), \"teacher_prediction\": \"old Rome\", \"teacher_probability\": 0.9, \"teacher_start\": \(start + 13), \"teacher_end\": \(start + 21)}"
      ])
    let data = try data(run)
    #expect(data["data"]?["agreement"] == [0, 1, 0, 0])
    let item = try #require(data["rows"]?["items"]?[0])
    #expect(abs((item["distance"]?.doubleValue ?? 0) - 1.0 / 3) < 1e-5)
    let text = Array(try #require(item["passage"]?.stringValue))
    #expect(text.count < 1500)
    func marked(_ key: String) throws -> String {
      let ends = (item[key]?.arrayValue ?? []).compactMap(\.intValue)
      try #require(ends.count == 2)
      return String(text[ends[0]..<ends[1]])
    }
    #expect(
      try marked("gold_at") == "old Rome" && marked("teacher_at") == "old Rome"
        && marked("student_at") == "Rome")
    #expect(item["cut"] == [true, true])
  }

  @Test("numbers: a point for each row, and the mean error by length")
  func numbers() throws {
    let task = TaskDefinition(name: "stars", kind: .regression, metrics: ["pearson"])
    let rows = (0..<20).map {
      "{\"index\": \($0), \"text\": \"\(String(repeating: "x", count: $0 + 1))\", \"label\": \($0), \"prediction\": \(Double($0) + ($0 < 10 ? 0.5 : 1)), \"teacher_prediction\": \($0)}"
    }
    let data = try data(try world.run("rater", task, answered: .values([]), rows: rows))
    #expect(
      data["data"]?["numbers"]?.arrayValue?.count == 20 && data["data"]?["numbers"]?[3] == [3.0, 3.5, 3.0])
    let groups = try #require(data["data"]?["lengths"]?.arrayValue)
    #expect(groups.count == 5 && near(groups[0], [1, 4, 4, 0.5, 0]) && near(groups[4], [17, 20, 4, 1, 0]))
    #expect(data["rows"]?["items"]?[0]?["index"] == 10)
  }

  @Test("sets of labels: each label by itself")
  func labelSets() throws {
    let task = TaskDefinition(name: "topics", kind: .multiLabel, labels: ["a", "b"], metrics: ["f1_micro"])
    let data = try data(
      try world.run(
        "topics", task, answered: .labelSets([]),
        rows: [
          #"{"index": 0, "text": "t", "label": ["a"], "prediction": ["a", "b"], "probabilities": {"a": 0.9, "b": 0.6}, "teacher_prediction": ["a"], "teacher_probabilities": {"a": 0.9, "b": 0.2}}"#
        ]))
    let classes = try #require(data["data"]?["classes"]?["rows"]?.arrayValue)
    #expect(near(classes[0][1], [1, 1, 1, 1]) && near(classes[1][1], [0, 0, 0, 0]))
    #expect(data["data"]?["confusion"] == nil && data["data"]?["agreement"] == [0, 1, 0, 0])
  }

  @Test("however many rows there are, the page stays small, and the same folder gives the same bytes")
  func size() throws {
    let long = String(repeating: "<ein langer Text> ", count: 2000)
    let rows = (0..<100_000).map { index in
      RunWorld.line(
        index, gold: index % 3 == 0 ? "a" : "b", student: Double(index % 97) / 97,
        teacher: Double(index % 89) / 89,
        text: index % 400 == 0 ? long : "text \(index)")
    }
    let run = try world.run("large", RunWorld.sentiment, answered: .labels([]), rows: rows)
    let file = try RunReport(of: run).write()
    let bytes = try Data(contentsOf: file)
    #expect(bytes.count < 1_000_000 && bytes.count < ReportPage.byteLimit)
    let data = try data(run)
    #expect(data["data"]?["count"] == 100_000 && data["rows"]?["items"]?.arrayValue?.count == 200)
    try RunReport(of: run).write()
    #expect(try Data(contentsOf: file) == bytes)
  }

  @Test("one of several tasks has its curves in the folder of the run")
  func sharedRun() throws {
    let run = try world.run(
      "multi/mood", RunWorld.sentiment, answered: .labels([]), rows: RunWorld.rows, otherTasks: ["other"])
    try world.write(
      "multi/metrics.jsonl",
      #"{"step": 4, "epoch": 1.0, "eval_loss": 1.0, "eval_mood/accuracy": 0.25, "eval_other/accuracy": 0.75, "eval_samples": 8}"#
        + "\n")
    let curves = try data(run)["curves"]?.arrayValue ?? []
    try #require(curves.count == 1)
    #expect(curves[0]["name"] == "accuracy" && curves[0]["points"] == [[4, 0.25]])
    let error = #expect(throws: TaskError.self) { try RunReport(of: world.folder.appending(path: "multi")) }
    #expect("\(error.map { "\($0)" } ?? "")".contains("holds the runs mood"))
  }

  @Test("answers of further teachers stand beside the first one's, and one that is not known stays out")
  func severalTeachers() throws {
    let task = TaskDefinition(
      name: "names", kind: .tokenClassification, labels: ["PER"], metrics: ["overall_f1"])
    let tags = try world.run(
      "tagger", task, answered: .tags([]),
      rows: [
        #"{"tokens": ["Ada", "wrote"], "label": ["B-PER", "O"], "prediction": ["O", "O"], "teacher_prediction": ["B-PER", "O"], "teacher_2_prediction": ["B-PER", "B-PER"], "teacher_3_prediction": ["B-PER", "O"]}"#
      ], furtherTeachers: 2)
    let row = try #require(try data(tags)["rows"]?["items"]?[0])
    #expect(row["others"]?.arrayValue?.map { $0["right"] } == [false, true])
    #expect(row["others"]?[0]?["answer"] == [[0, 1, "PER"], [1, 2, "PER"]])

    let labels = try world.run(
      "labels", RunWorld.sentiment, answered: .labels([]),
      rows: [
        #"{"text": "t", "label": "a", "prediction": "b", "probability": 0.75, "teacher_prediction": "a", "teacher_3_prediction": "b", "teacher_3_probability": 0.625}"#
      ], furtherTeachers: 2)
    let item = try #require(try data(labels)["rows"]?["items"]?[0])
    #expect(item["others"]?[0] == .null)
    #expect(item["others"]?[1]?["answer"] == ["b"] && item["others"]?[1]?["p"] == 0.625)
    #expect(try data(try world.wholeRun())["rows"]?["items"]?[0]?["others"] == nil)
    let short = try world.run(
      "short", task, answered: .tags([]),
      rows: [#"{"tokens": ["a", "b"], "prediction": ["O", "O"], "teacher_2_prediction": ["O"]}"#],
      furtherTeachers: 1)
    let error = #expect(throws: FormatError.self) { try RunReport(of: short) }
    #expect("\(error.map { "\($0)" } ?? "")".contains("field teacher_2_prediction"))
  }

  // MARK: Several runs

  @Test("several runs: their models, names that tell them apart, and their curves")
  func comparison() throws {
    let runs = [try world.wholeRun("one/student"), try world.wholeRun("two/student", score: 0.6)]
    let data = try ComparisonReport(of: runs).page.data
    #expect(data["kind"] == "comparison")
    let members = try #require(data["runs"]?.arrayValue)
    #expect(members.map { $0["title"] } == ["one/student", "two/student"])
    #expect(members.map { $0["models"]?[1]?["scores"]?["accuracy"] } == [0.5, 0.6])
    #expect(members[0]["curves"]?.arrayValue?.count == 3)
    let other = try world.run(
      "other",
      TaskDefinition(name: "names", kind: .tokenClassification, labels: ["PER"], metrics: ["overall_f1"]),
      answered: .tags([]))
    let error = #expect(throws: TaskError.self) { try ComparisonReport(of: runs + [other]) }
    #expect("\(error.map { "\($0)" } ?? "")".contains("is a run of the task names (overall_f1)"))
  }

  // MARK: What is missing or broken

  @Test("of a folder that lacks files the report tells what there is")
  func leastRun() throws {
    let run = try world.run("bare", RunWorld.sentiment, answered: .labels([]))
    let data = try data(run)
    for key in ["plan", "data", "rows", "recipe"] { #expect(data[key] == nil, "\(key)") }
    #expect(data["curves"] == [] && data["models"]?.arrayValue?.count == 2)
  }

  @Test(
    "a file that is not as expected is named with its line or field",
    arguments: [
      ("report.json", "{", "report.json:1:2"), ("report.json", "[]", "report.json: field"),
      ("report.json", #"{"title": 3}"#, "report.json: field"), ("plan.json", "nonsense", "plan.json:1:1"),
      ("all_results.json", "", "all_results.json:1:1"), ("metrics.jsonl", "{}\n[1]\n", "metrics.jsonl:2"),
      ("metrics.jsonl", "{}\n{\"a\": \n", "metrics.jsonl:2"),
      ("eval_predictions.jsonl", "{\"text\": \"t\"}\n", "eval_predictions.jsonl:1: field prediction"),
      (
        "eval_predictions.jsonl", "{\"text\": \"t\", \"prediction\": \"a\", \"probability\": 7}\n",
        "eval_predictions.jsonl:1: field probability"
      ),
      (
        "eval_predictions.jsonl", "{\"text\": 1, \"prediction\": \"a\"}\n",
        "eval_predictions.jsonl:1: field text"
      ),
    ])
  func hostile(name: String, text: String, expected: String) throws {
    try world.expectRefusal(of: text, as: name, saying: expected)
  }

  @Test("tags and probabilities that do not fit their words are refused")
  func hostileTags() throws {
    let task = TaskDefinition(
      name: "names", kind: .tokenClassification, labels: ["PER"], metrics: ["overall_f1"])
    for (line, field) in [
      (#"{"tokens": ["a", "b"], "label": ["O", "O"], "prediction": ["O"]}"#, "field prediction"),
      (#"{"tokens": ["a"], "label": [""], "prediction": ["O"]}"#, "field label"),
      (#"{"tokens": ["a"], "prediction": ["O"], "probabilities": [0.5, 0.5]}"#, "field probabilities"),
      (#"{"tokens": ["a"], "prediction": "O"}"#, "field prediction"),
      (#"{"prediction": ["O"]}"#, "field tokens"),
    ] {
      let run = try world.run("tagger", task, answered: .tags([]), rows: [line])
      let error = #expect(throws: FormatError.self) { try RunReport(of: run) }
      #expect(
        "\(error.map { "\($0)" } ?? "")".contains(field), "\(line): \(error.map { "\($0)" } ?? "no error")")
    }
  }

  @Test("a report takes the place of a report, and of nothing else")
  func foreignFile() throws {
    let report = try RunReport(of: try world.wholeRun())
    let file = world.folder.appending(path: "notes.html")
    try world.write("notes.html", "<p>mine</p>")
    #expect(throws: TaskError.self) { try report.write(to: file) }
    #expect(try String(contentsOf: file, encoding: .utf8) == "<p>mine</p>")
    try report.write()
    try report.write()
  }
}
