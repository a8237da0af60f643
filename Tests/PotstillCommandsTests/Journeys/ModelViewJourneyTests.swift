import Datasets
import Encoders
import Foundation
import ModelFormats
import Potstill
import TestSupport
import Testing

/// Attention maps and relations between rows, which `potstill report` asks the models of a run for.
@Suite struct ModelViewJourneyTests {
  let world: TinyWorld

  init() throws {
    world = try TinyWorld()
    try run(
      [
        "distill", "--teacher", world.path("base"), "--teacher", world.path("base"), "--student", "T1",
        "--match",
        "uniform", "--max-steps", "1", "--output", world.path("student"), "--task", world.path("tiny.yaml"),
        "--data", world.path("data"),
      ])
  }

  @discardableResult
  private func run(_ arguments: [String]) throws -> ToolRun {
    let run = potstill(arguments)
    try #require(run.code == 0, "\(run.messages)")
    return run
  }

  private func json(_ file: String) throws -> JSONValue { try JSONValue(parsing: try world.text(file)) }

  private func page() throws -> JSONValue {
    let text = try world.text("student/report.html")
    let block = text.components(separatedBy: "<script type=\"application/json\" id=\"data\">")
    try #require(block.count == 2)
    return try JSONValue(parsing: block[1].components(separatedBy: "</script>")[0])
  }

  @Test("every teacher's answers are in the rows")
  func teachers() throws {
    let rows = try world.text("student/eval_predictions.jsonl").split(separator: "\n").map {
      try JSONValue(parsing: String($0))
    }
    #expect(rows.count == 8)
    for row in rows {
      #expect(row["teacher_2_prediction"] == row["teacher_prediction"] && row["teacher_prediction"] != nil)
      #expect(row["teacher_2_probabilities"] == row["teacher_probabilities"])
    }
    #expect(try page()["rows"]?["items"]?[0]?["others"]?.arrayValue?.count == 1)
  }

  @Test("attention maps are the models' own, and a later report shows them too")
  func attention() throws {
    try run(["report", world.path("student"), "--attention", "2"])
    let rows = try #require(try json("student/attention.json")["rows"]?.arrayValue)
    #expect(rows.count == 2)
    let shown = try #require(try page()["attention"]?.arrayValue)
    let texts = try world.text("student/eval_predictions.jsonl").split(separator: "\n").map {
      try JSONValue(parsing: String($0))
    }
    let items = try #require(try page()["rows"]?["items"]?.arrayValue)
    for (place, row) in rows.enumerated() {
      #expect(row["index"] == items[place]["index"] && shown[place]["index"] == row["index"])
      let text = try #require(texts.first { $0["index"] == row["index"] }?["text"]?.stringValue)
      for (side, folder, key) in [
        ("student", "student", "student_layer"), ("teacher", "base", "teacher_layer"),
      ] {
        let model = try TokenizedModel(world.path(folder))
        let encoding = model.tokenizer.encode(text)
        let tokens = row[side]?["tokens"]?.arrayValue?.compactMap(\.stringValue)
        #expect(tokens == encoding.tokens && row[side]?["total"]?.intValue == encoding.count)
        for pair in row["pairs"]?.arrayValue ?? [] {
          let layer = try #require(pair[key]?.intValue)
          let name = try #require(model.model.config.attentionNames(inLayer: layer - 1)?.probabilities)
          let batch = TokenBatch(sequences: [(encoding.ids, encoding.segments)])
          let maps = try #require(model.model(batch, taps: [name], in: .inference).maps[name])
          let heads = pair[side]?["heads"]?.arrayValue ?? []
          #expect(heads.count == maps.heads && pair[side]?["count"]?.intValue == maps.heads)
          let found = heads.flatMap { $0.arrayValue?.compactMap(\.doubleValue) ?? [] }
          #expect(found.count == maps.values.count)
          #expect(zip(found, maps.values.values).allSatisfy { abs($0 - Double($1)) < 1e-4 })
          let mean = pair[side]?["mean"]?.arrayValue?.compactMap(\.doubleValue) ?? []
          let count = encoding.count
          for query in 0..<count {
            #expect(abs(mean[query * count..<(query + 1) * count].reduce(0, +) - 1) < 0.01)
          }
        }
        #expect(
          shown[place]["pairs"]?[0]?[side]?["mean"]?.stringValue?.count == encoding.count * encoding.count)
      }
      let overlap = row["pairs"]?[0]?["overlap"]?.doubleValue ?? -1
      #expect(overlap > 0 && overlap <= 1)
    }
    // The report is of the folder alone: the same bytes without the models.
    let before = try world.text("student/report.html")
    try run(["report", world.path("student")])
    #expect(try world.text("student/report.html") == before)
  }

  @Test("the graph of rows has the distances of pooled vectors over their mean")
  func rowGraph() throws {
    try run(["report", world.path("student"), "--row-graph", "4"])
    let graph = try json("student/row_graph.json")
    let nodes = try #require(graph["nodes"]?.arrayValue)
    #expect(nodes.count == 4 && nodes.map { $0["id"] } == ["0", "2", "4", "6"])
    let texts = try world.text("student/eval_predictions.jsonl").split(separator: "\n").map {
      try JSONValue(parsing: String($0))
    }
    for (side, folder) in [("student", "student"), ("teacher", "base")] {
      let model = try TokenizedModel(world.path(folder))
      let vectors = try [0, 2, 4, 6].map { place in
        let encoding = model.tokenizer.encode(texts[place]["text"]?.stringValue ?? "")
        let batch = TokenBatch(sequences: [(encoding.ids, encoding.segments)])
        return try #require(model.model(batch, in: .inference).pooled).values
      }
      var distances: [Double] = []
      for a in 0..<4 {
        for b in a + 1..<4 {
          distances.append(
            zip(vectors[a], vectors[b]).reduce(0) { $0 + Double(($1.0 - $1.1) * ($1.0 - $1.1)) }.squareRoot())
        }
      }
      let mean = distances.reduce(0, +) / 6
      let found = (graph["edges"]?.arrayValue ?? []).compactMap { $0[side]?.doubleValue }
      #expect(found.count == 6 && zip(found, distances).allSatisfy { abs($0 - $1 / mean) < 1e-4 }, "\(side)")
    }
    #expect(try page()["row_relations"]?["nodes"]?.arrayValue?.count == 4)
    #expect(try world.text("student/row_graph.graphml").contains("<edge source=\"0\" target=\"2\">"))
    // A new run into the folder leaves nothing of the old one behind when it begins.
    try run(["report", world.path("student"), "--attention", "1"])
    let stopped = potstill([
      "train", "--model", world.path("base"), "--output", world.path("student"), "--learning-rate", "1e30",
      "--overwrite-output-dir", "--task", world.path("tiny.yaml"), "--data", world.path("data"),
    ])
    #expect(stopped.code != 0)
    for name in [
      "row_graph.json", "row_graph.graphml", "class_graph.json", "class_graph.graphml", "attention.json",
    ] {
      #expect(!FileManager.default.fileExists(atPath: world.path("student/" + name)), "\(name)")
    }
  }

  @Test("what cannot be asked is said")
  func faults() throws {
    func fails(_ arguments: [String], _ words: String) {
      let run = potstill(["report"] + arguments)
      #expect(run.code != 0 && run.messages.contains(words), "\(run.messages)")
    }
    let student = world.path("student")
    fails([student, "--attention", "13"], "--attention is 13; expected at least 1 and at most 12")
    fails([student, "--row-graph", "1"], "--row-graph is 1; expected at least 2 and at most 40")
    fails([student, student, "--attention", "1"], "look into the models of one run")
    fails([student, "--teacher", world.path("base")], "give one of them too")
    fails([student, "--attention", "1", "--teacher", world.path("nowhere")], "nowhere")
    try FileManager.default.moveItem(atPath: world.path("base"), toPath: world.path("moved"))
    fails([student, "--attention", "1"], "name it with --teacher")
    try run(["report", student, "--attention", "1", "--teacher", world.path("moved")])
  }
}
