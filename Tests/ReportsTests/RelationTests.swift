import Foundation
import ModelFormats
import Reports
import Tasks
import Testing

#if canImport(FoundationXML)
  import FoundationXML
#endif

/// Graphs of relations: of classes from the rows alone, of rows from the file that models wrote.
@Suite struct RelationTests {
  let world: RunWorld

  init() throws { world = try RunWorld() }

  private func near(_ value: JSONValue?, _ expected: Double) -> Bool {
    abs((value?.doubleValue ?? .nan) - expected) < 1e-5
  }

  private func text(_ name: String) throws -> String {
    try String(contentsOf: world.folder.appending(path: name), encoding: .utf8)
  }

  @Test("classes: the distance of their mean probabilities, on the page and in the files beside it")
  func classes() throws {
    let run = try world.wholeRun()
    let report = try RunReport(of: run)
    let graph = try #require(report.page.data["class_relations"])
    // The means of a: (0.9 + 0.4) / 2 of the student, 0.75 of the teacher; of b: 0.3 and 0.425.
    let (student, teacher) = (0.35 * 2.squareRoot(), 0.325 * 2.squareRoot())
    #expect(graph["nodes"] == [["a", "a", 2, .null], ["b", "b", 2, .null]])
    #expect(graph["vectors"] == "probabilities" && graph["total"] == 2)
    let edge = try #require(graph["edges"]?[0])
    #expect(edge[0] == 0 && edge[1] == 1 && near(edge[2], student) && near(edge[3], teacher) && edge[4] == 0)
    try report.write()
    let file = try JSONValue(parsing: try text("student/class_graph.json"))
    #expect(file["directed"] == false && file["graph"]?["distance"] == "euclidean")
    #expect(file["nodes"]?.arrayValue?.map { $0["id"] } == ["a", "b"] && file["nodes"]?[0]?["rows"] == 2)
    let found = try #require(file["edges"]?.arrayValue)
    #expect(found.count == 1 && found[0]["source"] == "a" && found[0]["target"] == "b")
    #expect(near(found[0]["student"], student) && near(found[0]["change"], student - teacher))
    // Elsewhere the page stands alone.
    try FileManager.default.removeItem(at: run.appending(path: "class_graph.json"))
    try report.write(to: world.folder.appending(path: "elsewhere.html"))
    #expect(!FileManager.default.fileExists(atPath: run.appending(path: "class_graph.json").path))
  }

  @Test("places in the plane have the distances of three classes")
  func layout() throws {
    let task = TaskDefinition(name: "moods", labels: ["a", "b", "c"])
    let answers = [
      ("a", [0.8, 0.1, 0.1], [0.9, 0.05, 0.05]), ("b", [0.3, 0.6, 0.1], [0.1, 0.8, 0.1]),
      ("c", [0.1, 0.2, 0.7], [0.05, 0.05, 0.9]),
    ]
    let rows = answers.map { gold, student, teacher in
      func object(_ values: [Double]) -> String {
        "{\"a\": \(values[0]), \"b\": \(values[1]), \"c\": \(values[2])}"
      }
      return
        "{\"text\": \"t\", \"label\": \"\(gold)\", \"prediction\": \"\(gold)\", \"probabilities\": \(object(student)), \"teacher_prediction\": \"\(gold)\", \"teacher_probabilities\": \(object(teacher))}"
    }
    let graph = try #require(
      try RunReport(of: try world.run("moods", task, answered: .labels([]), rows: rows)).page.data[
        "class_relations"])
    for (name, side) in [("student", 2), ("teacher", 3)] {
      let places = (graph["places"]?[name]?.arrayValue ?? []).map {
        $0.arrayValue?.compactMap(\.doubleValue) ?? []
      }
      try #require(places.count == 3)
      for edge in graph["edges"]?.arrayValue ?? [] {
        let (a, b) = (places[edge[0]?.intValue ?? 0], places[edge[1]?.intValue ?? 0])
        let length = ((a[0] - b[0]) * (a[0] - b[0]) + (a[1] - b[1]) * (a[1] - b[1])).squareRoot()
        #expect(abs(length - (edge[side]?.doubleValue ?? 0)) < 2e-3, "\(name) \(edge)")
      }
    }
    // The pair that the student told apart less than its teacher comes first.
    let marked = (graph["edges"]?.arrayValue ?? []).first { $0[4] == 0 }
    #expect(marked?[0] == 0 && marked?[1] == 1)
  }

  @Test("entities: the shares of types among the words of a type, with the words outside of all")
  func entities() throws {
    let task = TaskDefinition(
      name: "names", kind: .tokenClassification, labels: ["PER", "LOC"], metrics: ["overall_f1"])
    let run = try world.run(
      "tagger", task, answered: .tags([]),
      rows: [
        #"{"tokens": ["Ada", "L", "in", "Rome"], "label": ["B-PER", "I-PER", "O", "B-LOC"], "prediction": ["B-PER", "O", "O", "B-PER"], "teacher_prediction": ["B-PER", "I-PER", "O", "B-LOC"]}"#
      ])
    let graph = try #require(try RunReport(of: run).page.data["class_relations"])
    #expect(graph["vectors"] == "answers")
    #expect(graph["nodes"]?.arrayValue?.map { $0[0] } == ["PER", "LOC", "O"])
    #expect(graph["nodes"]?.arrayValue?.map { $0[2] } == [2, 1, 1])
    // PER is (½, 0, ½), LOC (1, 0, 0), O (0, 0, 1) for the student.
    let edges = try #require(graph["edges"]?.arrayValue)
    #expect(edges.count == 3 && near(edges[0][2], 0.5.squareRoot()) && near(edges[2][2], 2.squareRoot()))
    #expect(edges.allSatisfy { near($0[3], 2.squareRoot()) })
  }

  @Test("of many classes those with changed edges and most rows are drawn, and all are in the files")
  func manyClasses() throws {
    let labels = (0..<60).map { "class \($0)" }
    let task = TaskDefinition(name: "many", labels: labels)
    let rows = (0..<600).map { index -> String in
      let gold = labels[index % 60]
      let other = index % 60 == 7 ? labels[8] : gold
      return
        "{\"text\": \"t\", \"label\": \"\(gold)\", \"prediction\": \"\(other)\", \"teacher_prediction\": \"\(gold)\"}"
    }
    let run = try world.run("many", task, answered: .labels([]), rows: rows)
    let report = try RunReport(of: run)
    let graph = try #require(report.page.data["class_relations"])
    let names = (graph["nodes"]?.arrayValue ?? []).compactMap { $0[0]?.stringValue }
    #expect(
      graph["total"] == 60 && names.count == 30 && names.contains("class 7") && names.contains("class 8"))
    let edges = graph["edges"]?.arrayValue ?? []
    #expect(edges.count < 200)
    let first = try #require(edges.first { $0[4] == 0 })
    #expect(
      near(first[2], 0)
        && Set([first[0], first[1]].compactMap { $0?.intValue.map { names[$0] } }) == ["class 7", "class 8"])
    try report.write()
    let file = try JSONValue(parsing: try text("many/class_graph.json"))
    #expect(file["nodes"]?.arrayValue?.count == 60 && file["edges"]?.arrayValue?.count == 60 * 59 / 2)
  }

  @Test("GraphML is XML whose edges join its nodes, whatever the classes are called")
  func graphML() throws {
    let labels = ["a & <b>", "\"quoted\" 'x'", "中文 👩‍👩‍👧", "control \u{1} and\ttab"]
    let task = TaskDefinition(name: "hostile", labels: labels)
    let rows = labels.map { label in
      let quoted = JSONValue.string(label).compactText
      return
        "{\"text\": \"t\", \"label\": \(quoted), \"prediction\": \(quoted), \"teacher_prediction\": \(quoted)}"
    }
    try RunReport(of: try world.run("hostile", task, answered: .labels([]), rows: rows)).write()
    let document = try GraphDocument(Data(try text("hostile/class_graph.graphml").utf8))
    #expect(document.nodes == labels.map { $0.replacing("\u{1}", with: "\u{FFFD}") })
    #expect(
      document.edges.count == 6
        && document.edges.allSatisfy { document.nodes.contains($0.0) && document.nodes.contains($0.1) })
    #expect(document.keys.isSuperset(of: document.used) && document.used.contains("edge_teacher"))
    #expect(document.values["edge_student"]?.compactMap(Double.init).count == 6)
  }

  @Test("the graph of rows is that of its file; without a teacher there is one picture")
  func rows() throws {
    let run = try world.wholeRun()
    try world.write(
      "student/row_graph.json",
      #"{"nodes": [{"id": "0", "label": "a", "index": 5, "text": "some"}, {"id": "2", "index": 7}, {"id": "3", "index": 9}], "edges": [{"source": "0", "target": "2", "student": 0.5}, {"source": "0", "target": "3", "student": 1.5}, {"source": "2", "target": "3", "student": 1}]}"#
    )
    let graph = try #require(try RunReport(of: run).page.data["row_relations"])
    #expect(
      graph["nodes"]?.arrayValue?.map { $0[0] } == ["#5", "#7", "#9"] && graph["places"]?["teacher"] == nil)
    #expect(graph["edges"]?[1] == [0, 2, 1.5, .null, .null])
  }

  @Test(
    "files of models that are not as expected are named with the member",
    arguments: [
      ("row_graph.json", "{}", "row_graph.json: field edges"),
      (
        "row_graph.json",
        #"{"nodes": [{"id": "a"}, {"id": "b"}], "edges": [{"source": "a", "target": "c", "student": 1}]}"#,
        "edges[0]"
      ),
      ("row_graph.json", #"{"nodes": [{"id": 1}], "edges": []}"#, "nodes[0].id"),
      ("attention.json", "{}", "attention.json: field rows"), ("attention.json", "[", "attention.json:1"),
      ("attention.json", #"{"rows": [{"index": 1, "pairs": []}]}"#, "rows[0]"),
      (
        "attention.json",
        #"{"rows": [{"index": 1, "student": {"tokens": ["a"], "total": 1}, "pairs": [{"student_layer": 1, "student": {"count": 1, "mean": [2], "heads": []}}]}]}"#,
        "rows[0].pairs[0].student"
      ),
    ])
  func hostile(name: String, text: String, expected: String) throws {
    try world.expectRefusal(of: text, as: name, saying: expected)
  }
}

/// GraphML as Foundation's reader of XML sees it.
private final class GraphDocument: NSObject, XMLParserDelegate {
  private(set) var (keys, used, nodes): (Set<String>, Set<String>, [String]) = ([], [], [])
  private(set) var edges: [(String, String)] = []
  private(set) var values: [String: [String]] = [:]
  private var (key, text): (String?, String) = (nil, "")

  init(_ data: Data) throws {
    super.init()
    let parser = XMLParser(data: data)
    parser.delegate = self
    guard parser.parse() else { throw parser.parserError ?? CocoaError(.fileReadCorruptFile) }
  }

  func parser(
    _ parser: XMLParser, didStartElement name: String, namespaceURI: String?, qualifiedName: String?,
    attributes: [String: String]
  ) {
    switch name {
    case "key": keys.insert(attributes["id"] ?? "")
    case "node": nodes.append(attributes["id"] ?? "")
    case "edge": edges.append((attributes["source"] ?? "", attributes["target"] ?? ""))
    case "data":
      (key, text) = (attributes["key"], "")
      used.insert(attributes["key"] ?? "")
    default: break
    }
  }

  func parser(_ parser: XMLParser, foundCharacters string: String) { text += string }

  func parser(
    _ parser: XMLParser, didEndElement name: String, namespaceURI: String?, qualifiedName: String?
  ) {
    if name == "data", let key { values[key, default: []].append(text) }
  }
}
