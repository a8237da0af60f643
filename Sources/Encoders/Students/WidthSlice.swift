import Tensors

extension ModelSlice {
  /// The slice of a teacher that a narrower student keeps, by the size of the weights.
  ///
  /// The most important features, heads and neurons stay, in their old order. Importance is the squared magnitude of the
  /// weights that read or write a feature, head or neuron, each matrix counted relative to its own, so that none outvotes the
  /// others; of equal ones the first stay. Which these are is what the family says of its parameters (`Cut`).
  ///
  /// - Parameters:
  ///   - source: The teacher's parameters, its layers numbered as the student's.
  ///   - layers: The teacher's layers, in the student's order.
  ///   - teacher: The teacher's shape.
  ///   - student: The student's, with heads as wide as the teacher's; a layer that has fewer of something keeps it.
  init(byWeightOf source: LayerCopy, layers: [Int], teacher: EncoderConfig, student: EncoderConfig) {
    var scores = [Double](repeating: 0, count: teacher.hiddenSize)
    var (heads, neurons): ([[Int]], [[Int]]) = ([], [])
    let family = teacher.family
    let renumbered = teacher.keeping(layers: layers)
    let matrices = source.names.filter { source.shape(of: $0)?.rank == 2 }
    func add(
      _ width: Cut.Width, _ axis: KeyPath<Cut, Cut.Width?>, of layer: [(String, Cut)], to sum: inout [Double]
    ) {
      for (name, cut) in layer where cut[keyPath: axis] == width {
        let more = source.shares(of: name, axis: axis == \.rows ? 0 : 1)
        for (index, value) in more.enumerated() { sum[index / (more.count / sum.count)] += value }
      }
    }
    for (number, original) in layers.enumerated() {
      let layer = matrices.compactMap { name -> (String, Cut)? in
        guard let part = family.layerPart(of: name), part.layer == number else { return nil }
        return (name, renumbered.place(of: name).cut)
      }
      add(.features, \.columns, of: layer, to: &scores)
      add(.features, \.rows, of: layer, to: &scores)
      var ofHeads = [Double](repeating: 0, count: teacher.heads(inLayer: original))
      add(.heads, \.rows, of: layer, to: &ofHeads)
      add(.heads, \.columns, of: layer, to: &ofHeads)
      heads.append(Self.largest(student.attentionHeads, of: ofHeads))
      var inner = [Double](repeating: 0, count: teacher.intermediateSize(inLayer: original))
      add(.neurons, \.rows, of: layer, to: &inner)
      add(.neurons, \.columns, of: layer, to: &inner)
      neurons.append(Self.largest(student.intermediateSize, of: inner))
    }
    // What brings words into the layers: their table, or what widens it.
    let entrance = matrices.filter {
      $0.hasPrefix(family.module + ".") && family.layerPart(of: $0) == nil
        && !teacher.headForm.owns($0)
    }.map { ($0, teacher.place(of: $0).cut) }
    let wordTable = entrance.filter { $0.0 == family.module + "." + family.wordTable }
    add(.features, \.columns, of: wordTable, to: &scores)
    add(.features, \.rows, of: entrance, to: &scores)
    self.init(
      layers: layers, features: Self.largest(student.hiddenSize, of: scores), heads: heads, neurons: neurons)
  }

  /// The places of the largest scores, ascending; of equal ones the first.
  package static func largest(_ count: Int, of scores: [Double]) -> [Int] {
    scores.indices.sorted { (scores[$0], $1) > (scores[$1], $0) }.prefix(count).sorted()
  }
}
