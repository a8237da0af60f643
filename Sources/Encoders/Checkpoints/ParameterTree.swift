import ModelFormats

/// Parameters arranged by the dots in their names, alike layers told once.
struct ParameterTree {
  /// A module with everything below it, or one tensor.
  struct Node {
    var name: String
    var children: [Node] = []
    var tensor: TensorInfo?

    /// The number of values below, one of several alike nodes counted once for each.
    var count: Int { tensor?.count ?? children.reduce(0) { $0 + $1.count } }

    /// The bytes of the values in memory, 4 each but for 8-bit integers.
    var bytes: Int {
      tensor.map { $0.count * ($0.dtype == .int8 ? 1 : 4) } ?? children.reduce(0) { $0 + $1.bytes }
    }

    /// Key that is equal for siblings that are alike: everything below, but not the own name.
    var structure: String {
      if let tensor { return "\(tensor.dtype.rawValue)\(tensor.shape)" }
      return "(" + children.map { "\($0.name):\($0.structure)" }.joined(separator: ",") + ")"
    }
  }

  /// A line of the tree.
  struct Row: Equatable {
    /// Depth of the module.
    let depth: Int
    /// Name, with the range of alike siblings it stands for.
    let name: String
    /// Shape, nil for a module.
    let shape: [Int]?
    /// Number of values, those of alike siblings included.
    let count: Int
    /// Bytes of these values in memory.
    let bytes: Int
  }

  private let root: Node

  /// The tree of a checkpoint's tensors.
  init(_ tensors: [TensorInfo]) {
    var root = Node(name: "")
    for tensor in tensors.sorted(by: { Self.isBefore($0.name, $1.name) }) {
      Self.insert(tensor, tensor.name.split(separator: ".").map(String.init)[...], into: &root)
    }
    self.root = root
  }

  /// The lines, outermost first.
  var rows: [Row] { root.children.flatMap { Self.rows($0, depth: 0) } }

  private static func insert(_ tensor: TensorInfo, _ path: ArraySlice<String>, into node: inout Node) {
    guard let first = path.first else {
      node.tensor = tensor
      return
    }
    if node.children.last?.name != first { node.children.append(Node(name: first)) }
    insert(tensor, path.dropFirst(), into: &node.children[node.children.count - 1])
  }

  /// Numbers in their order, other names alphabetically, the embeddings of a model first.
  private static func isBefore(_ a: String, _ b: String) -> Bool {
    for (x, y) in zip(a.split(separator: "."), b.split(separator: ".")) where x != y {
      if let x = Int(x), let y = Int(y) { return x < y }
      if (x == "embeddings") != (y == "embeddings") { return x == "embeddings" }
      return x < y
    }
    return a.count < b.count
  }

  private static func rows(_ node: Node, depth: Int) -> [Row] {
    var node = node
    // A module with one child and nothing else shares its line.
    while node.tensor == nil, node.children.count == 1, let child = node.children.first {
      node = Node(name: "\(node.name).\(child.name)", children: child.children, tensor: child.tensor)
    }
    if let alike = alikeLayers(node) { return layerRows(node, alike, depth: depth) }
    return [
      Row(depth: depth, name: node.name, shape: node.tensor?.shape, count: node.count, bytes: node.bytes)
    ]
      + node.children.flatMap { rows($0, depth: depth + 1) }
  }

  /// The runs of alike numbered children, nil when the children are no list of layers.
  private static func alikeLayers(_ node: Node) -> [ArraySlice<Node>]? {
    guard node.children.count > 1, node.children.allSatisfy({ Int($0.name) != nil }) else { return nil }
    return node.children.chunked { $0.structure == $1.structure }
  }

  private static func layerRows(_ node: Node, _ runs: [ArraySlice<Node>], depth: Int) -> [Row] {
    runs.flatMap { run -> [Row] in
      guard let first = run.first, let last = run.last else { return [] }
      let range = run.count == 1 ? first.name : "\(first.name)–\(last.name)"
      let name = "\(node.name).\(range)" + (run.count == 1 ? "" : "  (\(run.count) alike, the first shown)")
      return [
        Row(
          depth: depth, name: name, shape: nil, count: run.reduce(0) { $0 + $1.count },
          bytes: run.reduce(0) { $0 + $1.bytes })
      ]
        + first.children.flatMap { rows($0, depth: depth + 1) }
    }
  }
}

extension Array {
  /// Runs of neighbours that belong together.
  fileprivate func chunked(by belongTogether: (Element, Element) -> Bool) -> [ArraySlice<Element>] {
    var runs: [ArraySlice<Element>] = []
    var start = startIndex
    for index in indices.dropFirst() where !belongTogether(self[index - 1], self[index]) {
      runs.append(self[start..<index])
      start = index
    }
    if start < endIndex { runs.append(self[start...]) }
    return runs
  }
}
