import ModelFormats

/// Picture of a graph of relations as a page draws it: the nodes at places of the plane for each model, and the edges to draw.
enum RelationPicture {
  /// The most nodes, and the most of which every edge is drawn.
  private static let (nodeLimit, wholeLimit) = (30, 12)
  /// Nearest nodes of each to which edges are drawn where not all are.
  private static let nearest = 2

  /// The picture of a graph.
  static func json(of graph: RelationGraph) -> JSONValue {
    let shown = nodes(of: graph)
    func part(_ distances: [[Double]]) -> [[Double]] { shown.map { row in shown.map { distances[row][$0] } } }
    let (student, teacher) = (part(graph.student), graph.teacher.map(part))
    let first = PlaneLayout(teacher ?? student)
    var places = JSONObject()
    places["teacher"] = teacher.map { _ in points(first) }
    places["student"] = points(teacher == nil ? first : PlaneLayout(student, from: first.points))
    var object = JSONObject()
    object["subject"] = .string(graph.subject.rawValue)
    object["vectors"] = .string(graph.vectors.rawValue)
    object["total"] = .integer(graph.nodes.count)
    object["nodes"] = .array(
      shown.map { index in
        let node = graph.nodes[index]
        return [
          .string(shortened(node.index.map { "#\($0)" } ?? node.id, to: 60)),
          node.label.map { .string(shortened($0, to: 60)) } ?? .null,
          node.count.map { .integer($0) } ?? .null,
          node.text.map { .string($0) } ?? .null,
        ]
      })
    object["places"] = .object(places)
    object["edges"] = edges(of: graph, among: shown, student, teacher)
    object["mean"] = [
      .double(rounded(RelationGraph.mean(graph.student))),
      graph.teacher.map { .double(rounded(RelationGraph.mean($0))) } ?? .null,
    ]
    return .object(object)
  }

  /// Places of the nodes that are drawn: those of the marked edges, then those with most rows.
  private static func nodes(of graph: RelationGraph) -> [Int] {
    guard graph.nodes.count > nodeLimit, graph.subject == .classes else { return Array(graph.nodes.indices) }
    let first = Set(graph.marked.flatMap { [$0.source, $0.target] })
    let others = graph.nodes.indices.filter { !first.contains($0) }.sorted {
      let (a, b) = (graph.nodes[$0].count ?? 0, graph.nodes[$1].count ?? 0)
      return a == b ? $0 < $1 : a > b
    }
    return (first + others.prefix(nodeLimit - first.count)).sorted()
  }

  private static func points(_ layout: PlaneLayout) -> JSONValue {
    .array(
      layout.points.map { point in
        .array([point.x, point.y].map { .double(($0 * 10_000).rounded() / 10_000) })
      })
  }

  /// Edges that are drawn: each with the places of its nodes, the distances, and its number among the marked ones.
  private static func edges(
    of graph: RelationGraph, among shown: [Int], _ student: [[Double]], _ teacher: [[Double]]?
  ) -> JSONValue {
    let marked = graph.marked
    let sides = [student, teacher].compactMap { $0 }
    func isNear(_ a: Int, _ b: Int) -> Bool {
      sides.contains { distances in
        [(a, b), (b, a)].contains { from, to in
          distances[from].indices.count {
            $0 != from && (distances[from][$0], $0) < (distances[from][to], to)
          } < nearest
        }
      }
    }
    let places = Dictionary(uniqueKeysWithValues: shown.enumerated().map { ($1, $0) })
    let drawn = graph.edges.compactMap { edge -> JSONValue? in
      guard let a = places[edge.source], let b = places[edge.target] else { return nil }
      let mark = marked.firstIndex(of: edge)
      guard mark != nil || shown.count <= wholeLimit || isNear(a, b) else { return nil }
      return [
        .integer(a), .integer(b), .double(edge.student), edge.teacher.map { .double($0) } ?? .null,
        mark.map { .integer($0) } ?? .null,
      ]
    }
    return .array(drawn)
  }
}
