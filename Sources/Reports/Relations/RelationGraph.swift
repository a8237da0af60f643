import Foundation
import ModelFormats
import Tasks

/// Graph of relations as student and teacher see them: its nodes are classes or rows, its edges the distances between the
/// vectors that a model has of them.
///
/// Knowledge as a graph of relations is that of IRG (Liu and others 2019). A distance is the one of RKD (Park and others 2019,
/// equations 4 and 5): Euclidean, and between rows over the mean of all, so that vectors of two widths can be compared. Between
/// classes it stays as it is, since probabilities of the same labels are of one space.
struct RelationGraph {
  /// Subject of a graph: what its nodes are.
  enum Subject: String, CaseIterable {
    /// The classes of a task.
    case classes
    /// Rows that a model was scored on.
    case rows
  }

  /// Vectors that distances are between.
  enum Vectors: String, CaseIterable {
    /// The mean probabilities of the rows of a class.
    case probabilities
    /// The shares of the answers to the rows, or words, of a class.
    case answers
    /// The rows before the last layer of the head, or the mean of the last hidden states.
    case pooled
  }

  /// Node of a graph.
  struct Node: Equatable {
    /// The name, which no other node has.
    let id: String
    /// The class, or the true answer to the row; nil where it is no label.
    var label: String?
    /// The number of rows, or words, of a class.
    var count: Int?
    /// The number of the row in its file.
    var index: Int?
    /// The text of the row.
    var text: String?
  }

  /// Subject of the graph.
  let subject: Subject
  /// Vectors of the nodes.
  let vectors: Vectors
  /// The nodes.
  let nodes: [Node]
  /// The distances between the student's vectors [nodes, nodes].
  let student: [[Double]]
  /// The distances between the teacher's vectors [nodes, nodes]; nil without a teacher.
  let teacher: [[Double]]?

  /// A graph of its distances.
  private init(
    _ subject: Subject, _ vectors: Vectors, _ nodes: [Node], student: [[Double]], teacher: [[Double]]?
  ) {
    (self.subject, self.vectors, self.nodes) = (subject, vectors, nodes)
    (self.student, self.teacher) = (student, teacher)
  }

  /// A graph of the vectors of its nodes.
  init(
    _ subject: Subject, _ vectors: Vectors, of nodes: [Node], student: [[Double]], teacher: [[Double]]?
  ) {
    self.init(
      subject, vectors, nodes, student: Self.distances(student, of: subject),
      teacher: teacher.map { Self.distances($0, of: subject) })
  }

  private static func distances(_ vectors: [[Double]], of subject: Subject) -> [[Double]] {
    var result = vectors.map { a in
      vectors.map { b in zip(a, b).reduce(0) { $0 + ($1.0 - $1.1) * ($1.0 - $1.1) }.squareRoot() }
    }
    let mean = Self.mean(result)
    if subject == .rows, mean > 0 { result = result.map { $0.map { $0 / mean } } }
    return result.map { $0.map(rounded) }
  }

  /// The mean distance of two nodes; 0 of fewer than two.
  static func mean(_ distances: [[Double]]) -> Double {
    let count = distances.count
    return count < 2
      ? 0 : distances.reduce(0) { $0 + $1.reduce(0, +) } / Double(count * (count - 1))
  }

  /// Edge between two nodes.
  struct Edge: Equatable {
    /// Places of the nodes, the smaller first.
    let (source, target): (Int, Int)
    /// The student's distance.
    let student: Double
    /// The teacher's distance; nil without a teacher.
    let teacher: Double?

    /// The student's distance less the teacher's; nil without a teacher.
    var change: Double? { teacher.map { rounded(student - $0) } }
  }

  /// All edges, in the order of the nodes.
  var edges: [Edge] {
    nodes.indices.flatMap { source in
      (source + 1..<nodes.count).map { target in
        Edge(
          source: source, target: target, student: student[source][target],
          teacher: teacher?[source][target])
      }
    }
  }

  /// Edges that the student changed most, at most five; those that moved by less than a hundredth of the mean are none.
  var marked: [Edge] {
    let least = (teacher.map { Self.mean($0) } ?? 0) / 100
    let changed = edges.filter { abs($0.change ?? 0) > least }
    return Array(changed.sorted { abs($0.change ?? 0) > abs($1.change ?? 0) }.prefix(5))
  }
}

// MARK: Files

extension RelationGraph {
  /// Way in which distances are measured, as files name it.
  private var measure: String { subject == .rows ? "euclidean_over_mean" : "euclidean" }

  /// The graph in the node-link form of `networkx`, which D3 and others read too.
  var json: JSONValue {
    [
      "directed": false, "multigraph": false,
      "graph": [
        "subject": .string(subject.rawValue), "vectors": .string(vectors.rawValue),
        "distance": .string(measure),
      ],
      "nodes": .array(nodes.map { .object(Self.object(of: $0)) }),
      "edges": .array(
        edges.map { edge in
          var object = JSONObject()
          object["source"] = .string(nodes[edge.source].id)
          object["target"] = .string(nodes[edge.target].id)
          object["student"] = .double(edge.student)
          object["teacher"] = edge.teacher.map { .double($0) }
          object["change"] = edge.change.map { .double($0) }
          return .object(object)
        }),
    ]
  }

  private static func object(of node: Node) -> JSONObject {
    var object = JSONObject()
    object["id"] = .string(node.id)
    object["label"] = node.label.map { .string($0) }
    object["rows"] = node.count.map { .integer($0) }
    object["index"] = node.index.map { .integer($0) }
    object["text"] = node.text.map { .string($0) }
    return object
  }

  /// The graph as GraphML (Brandes and others 2002).
  var graphML: String {
    let hasTeacher = teacher != nil
    let keys = [
      ("graph", "subject", "string"), ("graph", "vectors", "string"), ("graph", "distance", "string"),
      ("node", "label", "string"), ("node", "rows", "int"), ("node", "index", "int"),
      ("node", "text", "string"), ("edge", "student", "double"),
    ]
    var lines = [
      "<?xml version=\"1.0\" encoding=\"UTF-8\"?>",
      "<graphml xmlns=\"http://graphml.graphdrawing.org/xmlns\" "
        + "xmlns:xsi=\"http://www.w3.org/2001/XMLSchema-instance\" "
        + "xsi:schemaLocation=\"http://graphml.graphdrawing.org/xmlns "
        + "http://graphml.graphdrawing.org/xmlns/1.0/graphml.xsd\">",
    ]
    for (element, name, type) in keys
      + (hasTeacher ? [("edge", "teacher", "double"), ("edge", "change", "double")] : [])
    {
      lines.append(
        "  <key id=\"\(element)_\(name)\" for=\"\(element)\" attr.name=\"\(name)\" attr.type=\"\(type)\"/>")
    }
    func data(_ element: String, _ name: String, _ value: String?) -> String {
      value.map { "<data key=\"\(element)_\(name)\">\(Self.escaped($0))</data>" } ?? ""
    }
    lines.append("  <graph id=\"\(subject.rawValue)\" edgedefault=\"undirected\">")
    lines.append(
      "    " + data("graph", "subject", subject.rawValue) + data("graph", "vectors", vectors.rawValue)
        + data("graph", "distance", measure))
    for node in nodes {
      lines.append(
        "    <node id=\"\(Self.escaped(node.id))\">" + data("node", "label", node.label)
          + data("node", "rows", node.count.map(String.init))
          + data("node", "index", node.index.map(String.init)) + data("node", "text", node.text) + "</node>")
    }
    for edge in edges {
      let (source, target) = (Self.escaped(nodes[edge.source].id), Self.escaped(nodes[edge.target].id))
      lines.append(
        "    <edge source=\"\(source)\" target=\"\(target)\">" + data("edge", "student", "\(edge.student)")
          + data("edge", "teacher", edge.teacher.map { "\($0)" })
          + data("edge", "change", edge.change.map { "\($0)" }) + "</edge>")
    }
    return (lines + ["  </graph>", "</graphml>", ""]).joined(separator: "\n")
  }

  /// Text of an element or attribute of XML 1.0, whose grammar lacks some characters: those become U+FFFD.
  private static func escaped(_ text: String) -> String {
    var result = ""
    for scalar in text.unicodeScalars {
      switch scalar {
      case "&": result += "&amp;"
      case "<": result += "&lt;"
      case ">": result += "&gt;"
      case "\"": result += "&quot;"
      case "\t", "\n", "\r": result += "&#\(scalar.value);"
      case "\u{0}"..<"\u{20}", "\u{FFFE}", "\u{FFFF}": result.unicodeScalars.append("\u{FFFD}")
      default: result.unicodeScalars.append(scalar)
      }
    }
    return result
  }

  /// The name of the files of a subject, without what comes behind the dot.
  private static func name(_ subject: Subject) -> String {
    switch subject {
    case .classes: "class_graph"
    case .rows: "row_graph"
    }
  }

  /// The file of a subject in the node-link form.
  static func file(_ subject: Subject, in folder: URL) -> URL {
    folder.appending(path: name(subject) + ".json")
  }

  /// Writes both files.
  ///
  /// - Throws: `FormatError.cannotWrite`.
  func write(to folder: URL) throws(FormatError) {
    try AtomicFile.write(Array((json.compactText + "\n").utf8), to: Self.file(subject, in: folder))
    try AtomicFile.write(
      Array(graphML.utf8), to: folder.appending(path: Self.name(subject) + ".graphml"))
  }

  /// Reads the graph of rows of a run folder; nil where it has none.
  ///
  /// - Throws: `FormatError` with the file and the member.
  init?(rowsIn folder: URL) throws {
    let file = Self.file(.rows, in: folder)
    guard RecordedRun.exists(file) else { return nil }
    let value = try JSONValue(contentsOfRegularFile: file)
    func fault(_ path: String, _ reason: String) -> FormatError {
      .field(
        file: file.path, path: path, reason: reason + "; expected what 'potstill report --row-graph' writes")
    }
    let nodes = try (value["nodes"]?.arrayValue ?? []).enumerated().map { place, node in
      guard let id = node["id"]?.stringValue else { throw fault("nodes[\(place)].id", "found no text") }
      return Node(
        id: id, label: node["label"]?.stringValue, count: node["rows"]?.intValue,
        index: node["index"]?.intValue, text: node["text"]?.stringValue)
    }
    let places = Dictionary(nodes.enumerated().map { ($1.id, $0) }) { first, _ in first }
    let list = value["edges"]?.arrayValue ?? []
    guard places.count == nodes.count, (2...Self.rowLimit).contains(nodes.count),
      list.count == nodes.count * (nodes.count - 1) / 2
    else { throw fault("edges", "found \(nodes.count) nodes and \(list.count) edges") }
    let none = [[Double]](repeating: [Double](repeating: 0, count: nodes.count), count: nodes.count)
    var (student, teacher) = (none, none)
    let hasTeacher = list.allSatisfy { $0["teacher"] != nil }
    for (place, edge) in list.enumerated() {
      guard let source = edge["source"]?.stringValue.flatMap({ places[$0] }),
        let target = edge["target"]?.stringValue.flatMap({ places[$0] }), source != target,
        let own = edge["student"]?.doubleValue, own >= 0,
        let other = hasTeacher ? edge["teacher"]?.doubleValue : 0, other >= 0
      else { throw fault("edges[\(place)]", "found no edge between two nodes with its distances") }
      (student[source][target], student[target][source]) = (own, own)
      (teacher[source][target], teacher[target][source]) = (other, other)
    }
    self.init(.rows, .pooled, nodes, student: student, teacher: hasTeacher ? teacher : nil)
  }

  /// The most rows of a graph.
  static let rowLimit = 40
}
