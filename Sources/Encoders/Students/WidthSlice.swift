import Tensors

/// Slice of its teacher's width that a narrower student keeps: hidden features, the same everywhere, and in each layer whole
/// attention heads and feed-forward neurons.
///
/// The most important ones stay, in their old order. Importance is the squared magnitude of the weights that read or write a
/// feature, head or neuron, each matrix counted relative to its own, so that none outvotes the others; of equal ones the
/// first stay. Which these are is what the family says of its parameters (`Cut`).
struct WidthSlice {
  private let features: [Int]
  /// Rows of queries, keys and values, by layer of the student.
  private let headRows: [[Int]]
  private let neurons: [[Int]]
  private let config: EncoderConfig

  /// - Parameters:
  ///   - source: The teacher's parameters, its layers numbered as the student's.
  ///   - teacher: The teacher's shape.
  ///   - student: The student's, no wider anywhere, with heads as wide as the teacher's.
  init(_ source: LayerCopy, teacher: EncoderConfig, student: EncoderConfig) {
    config = teacher
    var scores = [Double](repeating: 0, count: teacher.hiddenSize)
    var (headRows, neurons): ([[Int]], [[Int]]) = ([], [])
    let family = teacher.family
    let matrices = source.names.filter { source.shape(of: $0)?.rank == 2 }
    let head = teacher.hiddenSize / teacher.attentionHeads
    func add(
      _ width: Cut.Width, _ axis: KeyPath<Cut, Cut.Width?>, of layer: [(String, Cut)], to sum: inout [Double]
    ) {
      for (name, cut) in layer where cut[keyPath: axis] == width {
        let more = source.shares(of: name, axis: axis == \.rows ? 0 : 1)
        for (index, value) in more.enumerated() { sum[index / (more.count / sum.count)] += value }
      }
    }
    for number in 0..<student.layerCount {
      let layer = matrices.compactMap { name -> (String, Cut)? in
        guard let part = family.layerPart(of: name), part.layer == number else { return nil }
        return (name, family.cut(inLayer: part.name))
      }
      add(.features, \.columns, of: layer, to: &scores)
      add(.features, \.rows, of: layer, to: &scores)
      var heads = [Double](repeating: 0, count: teacher.attentionHeads)
      add(.heads, \.rows, of: layer, to: &heads)
      add(.heads, \.columns, of: layer, to: &heads)
      headRows.append(
        Self.largest(student.attentionHeads, of: heads).flatMap { $0 * head..<($0 + 1) * head })
      var inner = [Double](repeating: 0, count: teacher.intermediateSize)
      add(.neurons, \.rows, of: layer, to: &inner)
      add(.neurons, \.columns, of: layer, to: &inner)
      neurons.append(Self.largest(student.intermediateSize, of: inner))
    }
    // What brings words into the layers: their table, or what widens it.
    let entrance = matrices.filter {
      $0.hasPrefix(family.module + ".") && family.layerPart(of: $0) == nil
        && !teacher.headForm.owns($0)
    }.map { ($0, Self.cut(of: $0, teacher)) }
    let wordTable = entrance.filter { $0.0 == family.module + "." + family.wordTable }
    add(.features, \.columns, of: wordTable, to: &scores)
    add(.features, \.rows, of: entrance, to: &scores)
    features = Self.largest(student.hiddenSize, of: scores)
    (self.headRows, self.neurons) = (headRows, neurons)
  }

  /// The places of the largest scores, ascending.
  private static func largest(_ count: Int, of scores: [Double]) -> [Int] {
    scores.indices.sorted { (scores[$0], $1) > (scores[$1], $0) }.prefix(count).sorted()
  }

  /// The widths of any parameter of a model.
  private static func cut(of name: String, _ config: EncoderConfig) -> Cut {
    let (family, form) = (config.family, config.headForm)
    if let part = family.layerPart(of: name) { return family.cut(inLayer: part.name) }
    if form.owns(name) { return form.cut(of: name, config) }
    guard name.hasPrefix(family.module + ".") else { return Cut() }
    return family.cut(outsideLayers: String(name.dropFirst(family.module.count + 1)), config)
  }

  /// The part of a parameter that stays: rows (of a vector, its elements) and columns, nil where all do.
  func selection(_ name: String) -> (rows: [Int]?, columns: [Int]?) {
    let layer = config.family.layerPart(of: name)?.layer
    func kept(_ width: Cut.Width?) -> [Int]? {
      switch (width, layer) {
      case (.features, _): features
      case (.heads, let layer?): headRows[layer]
      case (.neurons, let layer?): neurons[layer]
      case (.heads, nil), (.neurons, nil), (nil, _): nil
      }
    }
    let cut = Self.cut(of: name, config)
    return (kept(cut.rows), kept(cut.columns))
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
