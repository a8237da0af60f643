import Tensors

/// What a narrower student keeps of its teacher's width: hidden features, the same everywhere, and in each layer whole
/// attention heads and feed-forward neurons.
///
/// The most important ones stay, in their old order. Importance is the squared magnitude of the weights that read or write a
/// feature, head or neuron, each matrix counted relative to its own, so that none outvotes the others; of equal ones the
/// first stay.
struct WidthSlice {
  private let features: [Int]
  /// Rows of queries, keys and values, by layer of the student.
  private let headRows: [[Int]]
  private let neurons: [[Int]]
  private let names: ParameterNames
  /// Whether the tables have a width of their own.
  private let isFactorised: Bool

  /// - Parameters:
  ///   - source: The teacher's parameters, its layers numbered as the student's.
  ///   - teacher: The teacher's shape.
  ///   - student: The student's, no wider anywhere, with heads as wide as the teacher's.
  init(_ source: LayerCopy, teacher: EncoderConfig, student: EncoderConfig) {
    let names = teacher.architecture.names
    let isFactorised = (teacher.embeddingSize ?? teacher.hiddenSize) != teacher.hiddenSize
    var scores = [Double](repeating: 0, count: teacher.hiddenSize)
    var (headRows, neurons): ([[Int]], [[Int]]) = ([], [])
    let head = teacher.hiddenSize / teacher.attentionHeads
    func add(_ more: [Double], to sum: inout [Double]) {
      for (index, value) in more.enumerated() { sum[index / (more.count / sum.count)] += value }
    }
    for layer in 0..<student.layerCount {
      func shares(_ part: String, _ axis: Int) -> [Double] {
        source.shares(of: "\(names.encoder).\(names.layers).\(layer).\(part).weight", axis: axis)
      }
      for part in [names.query, names.key, names.value, names.intermediate] {
        add(shares(part, 1), to: &scores)
      }
      for part in [names.attentionOutput, names.output] { add(shares(part, 0), to: &scores) }
      var heads = [Double](repeating: 0, count: teacher.attentionHeads)
      for part in [names.query, names.key, names.value] { add(shares(part, 0), to: &heads) }
      add(shares(names.attentionOutput, 1), to: &heads)
      headRows.append(
        Self.largest(student.attentionHeads, of: heads).flatMap { $0 * head..<($0 + 1) * head })
      var inner = shares(names.intermediate, 0)
      add(shares(names.output, 1), to: &inner)
      neurons.append(Self.largest(student.intermediateSize, of: inner))
    }
    let embeddings =
      isFactorised
      ? source.shares(of: names.encoder + ".embeddings_project.weight", axis: 0)
      : source.shares(of: names.encoder + ".embeddings.word_embeddings.weight", axis: 1)
    add(embeddings, to: &scores)
    features = Self.largest(student.hiddenSize, of: scores)
    (self.headRows, self.neurons) = (headRows, neurons)
    (self.names, self.isFactorised) = (names, isFactorised)
  }

  /// The places of the largest scores, ascending.
  private static func largest(_ count: Int, of scores: [Double]) -> [Int] {
    scores.indices.sorted { (scores[$0], $1) > (scores[$1], $0) }.prefix(count).sorted()
  }

  /// The part of a parameter that stays: rows (of a vector, its elements) and columns, nil where all do.
  func selection(_ name: String) -> (rows: [Int]?, columns: [Int]?) {
    let stem = names.encoder + "." + names.layers + "."
    if name.hasPrefix(stem) {
      let rest = name.dropFirst(stem.count)
      guard let dot = rest.firstIndex(of: "."), let layer = Int(rest[..<dot]) else { return (nil, nil) }
      return inLayer(layer, String(rest[rest.index(after: dot)...]))
    }
    let isWeight = name.hasSuffix(".weight")
    if name.hasPrefix(names.encoder + ".embeddings.") {
      if isFactorised { return (nil, nil) }
      return name.contains(".LayerNorm.") ? (features, nil) : (nil, features)
    }
    let module = name.split(separator: ".").dropLast().joined(separator: ".")
    switch module {
    case names.encoder + ".embeddings_project": return (features, nil)
    case names.headInner: return (features, isWeight ? features : nil)
    case names.masked.transform: return (isFactorised ? nil : features, isWeight ? features : nil)
    case names.masked.norm: return (isFactorised ? nil : features, nil)
    case names.headOuter, "classifier", "qa_outputs": return (nil, isWeight ? features : nil)
    default: return (nil, nil)
    }
  }

  private func inLayer(_ layer: Int, _ name: String) -> (rows: [Int]?, columns: [Int]?) {
    let isWeight = name.hasSuffix(".weight")
    switch name.split(separator: ".").dropLast().joined(separator: ".") {
    case names.query, names.key, names.value: return (headRows[layer], isWeight ? features : nil)
    case names.attentionOutput: return (features, isWeight ? headRows[layer] : nil)
    case names.intermediate: return (neurons[layer], isWeight ? features : nil)
    case names.output: return (features, isWeight ? neurons[layer] : nil)
    default: return (features, nil)
    }
  }
}

/// A teacher's parameters under the names they have in a student of some of its layers, narrowed.
struct SlicedCopy: ParameterSource {
  let path = "the teacher"
  private let source: LayerCopy
  private let slice: WidthSlice

  init(_ source: LayerCopy, slice: WidthSlice) { (self.source, self.slice) = (source, slice) }

  var names: [String] { source.names }

  func shape(of name: String) -> Shape? {
    guard let whole = source.shape(of: name) else { return nil }
    let (rows, columns) = slice.selection(name)
    var dimensions = whole.dimensions
    if let rows { dimensions[0] = rows.count }
    if let columns { dimensions[1] = columns.count }
    return Shape(dimensions)
  }

  func tensor(_ name: String) throws(ModelError) -> Tensor {
    let whole = try source.tensor(name)
    let (rows, columns) = slice.selection(name)
    guard rows != nil || columns != nil else { return whole }
    let width = whole.shape.rank == 2 ? whole.shape[1] : 1
    let values = whole.values
    let kept = rows ?? Array(0..<whole.shape[0])
    let result = kept.flatMap { row -> [Float] in
      guard let columns else { return Array(values[row * width..<(row + 1) * width]) }
      return columns.map { values[row * width + $0] }
    }
    return Tensor(result, shape: shape(of: name) ?? whole.shape)
  }
}
