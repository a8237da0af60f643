import Encoders
import Kernels
import Tensors

/// Kind of parts that gates open and close.
package enum GateKind: Hashable, Sendable {
  /// The attention half of each layer.
  case attention
  /// The feed-forward half of each layer.
  case feedForward
  /// The heads of a layer.
  case heads(Int)
  /// The neurons of a layer.
  case neurons(Int)
  /// The hidden features.
  case features

  /// The kinds of gates over some parts of a model, in the order in which they draw.
  static func all(of parts: Set<PrunedPart>, in config: EncoderConfig) -> [GateKind] {
    let layers = 0..<config.layerCount
    return (parts.contains(.layers) ? [.attention, .feedForward] : [])
      + (parts.contains(.heads) ? layers.map { .heads($0) } : [])
      + (parts.contains(.neurons) ? layers.map { .neurons($0) } : [])
      + (parts.contains(.hidden) ? [.features] : [])
  }

  /// Name of the gates' parameter.
  package var name: String {
    switch self {
    case .attention: "masks.attention"
    case .feedForward: "masks.feed_forward"
    case .heads(let layer): "masks.heads.\(layer)"
    case .neurons(let layer): "masks.neurons.\(layer)"
    case .features: "masks.features"
    }
  }

  /// The number of gates in a model.
  func count(_ config: EncoderConfig) -> Int {
    switch self {
    case .attention, .feedForward: config.layerCount
    case .heads(let layer): config.heads(inLayer: layer)
    case .neurons(let layer): config.intermediateSize(inLayer: layer)
    case .features: config.hiddenSize
    }
  }

  /// CoFi's mean of log α at the start: neurons are open with a probability of five in six, everything else is open.
  var start: Float {
    switch self {
    case .neurons: 0
    case .attention, .feedForward, .heads, .features: 10
    }
  }
}

/// Gates of a model in one pass, with their derivatives by log α; 1 where a kind has none.
package struct MaskGates {
  let config: EncoderConfig
  private(set) var values: [GateKind: [HardConcrete.Value]]

  init(_ values: [GateKind: [HardConcrete.Value]], of config: EncoderConfig) {
    (self.values, self.config) = (values, config)
    for (half, inner) in halves.flatMap({ $0 }) where self[half.kind][half.layer] > 0 && !isAnyOpen(inner) {
      close(half.kind, half.layer)
    }
  }

  /// The gates of a kind.
  package subscript(kind: GateKind) -> [Double] {
    values[kind]?.map(\.value) ?? [Double](repeating: 1, count: kind.count(config))
  }

  /// A half of a layer and its heads or neurons.
  private typealias Half = (half: (kind: GateKind, layer: Int), inner: GateKind)

  private var halves: [[Half]] {
    (0..<config.layerCount).map { [((.attention, $0), .heads($0)), ((.feedForward, $0), .neurons($0))] }
  }

  private func isAnyOpen(_ kind: GateKind) -> Bool { self[kind].contains { $0 > 0 } }

  private mutating func close(_ kind: GateKind, _ index: Int) {
    var gates = values[kind] ?? self[kind].map { HardConcrete.Value(value: $0, slope: 0) }
    gates[index] = HardConcrete.Value(value: 0, slope: 0)
    values[kind] = gates
  }

  /// Layers both halves of which are closed.
  var closedLayers: Set<Int> {
    let (attention, feedForward) = (self[.attention], self[.feedForward])
    return Set((0..<config.layerCount).filter { attention[$0] == 0 && feedForward[$0] == 0 })
  }

  /// Parts that a pass of the model must leave out; everything else that is closed is zero in the parameters.
  var closedParts: ClosedParts {
    let features = open(.features).map { Int32($0) }
    return ClosedParts(
      layers: closedLayers, features: features.isEmpty ? [Int32](0..<Int32(config.hiddenSize)) : features,
      of: config.hiddenSize)
  }

  /// The places of the open gates of a kind.
  func open(_ kind: GateKind) -> [Int] { self[kind].enumerated().filter { $1 > 0 }.map(\.offset) }
}

extension MaskGates {
  /// The gates with what a model cannot do without: a layer, and no more heads than fill the hidden features.
  ///
  /// - Parameter soft: The values of all gates if they were open.
  func buildable(_ soft: [GateKind: [Double]]) -> MaskGates {
    var gates = self
    let most = gates.open(.features).count / max(1, config.headSize)
    for layer in 0..<config.layerCount {
      let kind = GateKind.heads(layer)
      let heads = gates.open(kind).sorted { (gates[kind][$0], $1) > (gates[kind][$1], $0) }
      for head in heads.dropFirst(max(1, most)) { gates.close(kind, head) }
    }
    guard gates.closedLayers.count == config.layerCount else { return gates }
    func softness(_ half: (kind: GateKind, layer: Int)) -> Double { soft[half.kind]?[half.layer] ?? 1 }
    guard let best = halves.joined().max(by: { softness($0.half) < softness($1.half) }) else { return gates }
    gates.reopen(best.half.kind, best.half.layer, softness(best.half))
    if !gates.isAnyOpen(best.inner), let inner = soft[best.inner],
      let place = inner.indices.max(by: { inner[$0] < inner[$1] })
    {
      gates.reopen(best.inner, place, inner[place])
    }
    return gates
  }

  private mutating func reopen(_ kind: GateKind, _ index: Int, _ value: Double) {
    values[kind]?[index].value = value
  }

  /// The slice that the open gates make; a half that is closed beside an open one keeps one head or neuron, whose
  /// results are zeros.
  var slice: ModelSlice {
    let closed = closedLayers
    var slice = ModelSlice(of: config, layers: (0..<config.layerCount).filter { !closed.contains($0) })
    slice.features = open(.features)
    let (attention, feedForward) = (self[.attention], self[.feedForward])
    for (place, layer) in slice.layers.enumerated() {
      slice.heads[place] = attention[layer] > 0 ? open(.heads(layer)) : [0]
      slice.neurons[place] = feedForward[layer] > 0 ? open(.neurons(layer)) : [0]
    }
    return slice
  }

  /// Halves of layers that are closed beside an open one.
  var closedHalves: Int {
    let closed = closedLayers
    return [GateKind.attention, .feedForward].reduce(0) { sum, kind in
      sum + self[kind].enumerated().count { $1 == 0 && !closed.contains($0) }
    }
  }
}

/// Parameter that gates multiply: s · r ⊙ W ⊙ c, r along its rows and c along its columns.
///
/// A gate of a feature multiplies everything that writes it: embedding tables, the layers' outputs, norms, and a pooler. One
/// of a head or neuron multiplies the columns that read it, one of a half what comes out of it.
final class GatedParameter {
  private let place: StandIn
  private let rows: GateKind?
  private let columns: (kind: GateKind, width: Int)?
  private let half: (kind: GateKind, layer: Int)?

  /// The parameter with the gates that multiply it; nil where none does.
  init?(_ parameter: Parameter, halves: [String: (kind: GateKind, layer: Int)], in config: EncoderConfig) {
    let own = config.place(of: parameter.name)
    self.place = StandIn(parameter)
    rows = own.cut.rows == .features ? .features : nil
    half = halves[own.module]
    switch (own.cut.columns, own.layer) {
    case (.heads, let layer?): columns = (.heads(layer), config.headSize)
    case (.neurons, let layer?): columns = (.neurons(layer), 1)
    case (.features, nil) where own.cut.rows == nil && !own.isOfHead: columns = (.features, 1)
    case (.features, _), (.heads, nil), (.neurons, nil), (nil, _): columns = nil
    }
    if rows == nil, columns == nil, half == nil { return nil }
  }

  /// The modules whose results are those of a half of a layer, with the gate of that half.
  static func halves(of model: TaskModel) -> [String: (kind: GateKind, layer: Int)] {
    var halves: [String: (kind: GateKind, layer: Int)] = [:]
    for parameter in model.parameters {
      let place = model.config.place(of: parameter.name)
      guard let layer = place.layer else { continue }
      switch place.cut.columns {
      case .heads: halves[place.module] = (.attention, layer)
      case .neurons: halves[place.module] = (.feedForward, layer)
      case .features, nil: break
      }
    }
    return halves
  }

  /// Puts the product with the gates in the place of the parameter's values.
  ///
  /// - Parameters:
  ///   - forGood: Whether the parameter keeps nothing else.
  ///   - reaching: Whether a gradient shall arrive.
  func put(_ gates: MaskGates, forGood: Bool = false, reaching: Bool = false) {
    let factors = Factors(self, gates)
    // A gate of 1 is at the end of its range, where it has no slope.
    if factors.areOnes { return }
    place.put(keeping: !forGood, reaching: reaching) { factors.multiply($0) }
  }

  /// Puts the parameter's own values back.
  func restore() { place.restore() }

  /// Adds what the pass says about the gates to `sums`, gives the parameter its own gradient, and puts its values back.
  func passBack(_ gates: MaskGates, to sums: inout [GateKind: [Double]]) {
    let factors = Factors(self, gates)
    var found: (rows: [Float], columns: [Float])?
    place.passBack { g, own in
      found = factors.sums(of: g * own)
      return factors.multiply(g)
    }
    guard let found else { return }
    func add(_ kind: GateKind, _ index: Int, _ value: Double) {
      sums[kind, default: [Double](repeating: 0, count: kind.count(gates.config))][index] += value
    }
    // Without gates along the rows these are all 1.
    let ofRows = rows.map { gates[$0] } ?? [Double](repeating: 1, count: found.rows.count)
    if let rows {
      for (index, sum) in found.rows.enumerated() { add(rows, index, factors.scale * Double(sum)) }
    }
    if let half {
      add(half.kind, half.layer, zip(ofRows, found.rows).reduce(0) { $0 + $1.0 * Double($1.1) })
    }
    if let columns {
      for (index, sum) in found.columns.enumerated() {
        add(columns.kind, index / columns.width, factors.scale * Double(sum))
      }
    }
  }

  /// The gates as factors of a matrix [n, m] or a vector [n].
  private struct Factors {
    /// s.
    let scale: Double
    /// r, [n, 1] of a matrix; nil is 1.
    let rows: Tensor?
    /// c, [m]; nil is 1.
    let columns: Tensor?

    init(_ gated: GatedParameter, _ gates: MaskGates) {
      scale = gated.half.map { gates[$0.kind][$0.layer] } ?? 1
      let isMatrix = gated.place.parameter.shape.rank == 2
      rows = gated.rows.flatMap { kind in
        let values = gates[kind].map { Float($0) }
        return values.allSatisfy { $0 == 1 }
          ? nil : Tensor(values, shape: isMatrix ? [values.count, 1] : [values.count])
      }
      columns = gated.columns.flatMap { columns in
        let values = gates[columns.kind].flatMap { [Float](repeating: Float($0), count: columns.width) }
        return values.allSatisfy { $0 == 1 } ? nil : Tensor(values)
      }
    }

    /// Whether nothing is multiplied.
    var areOnes: Bool { scale == 1 && rows == nil && columns == nil }

    /// s · r ⊙ W ⊙ c.
    func multiply(_ own: Tensor) -> Tensor {
      var result = own
      if let rows { result = result * rows }
      if let columns { result = result * columns }
      return scale == 1 ? result : result * Float(scale)
    }

    /// Σ over columns of P ⊙ c for each row, and Σ over rows of P ⊙ r for each column.
    func sums(of product: Tensor) -> (rows: [Float], columns: [Float]) {
      guard product.shape.rank == 2 else { return (product.values, []) }
      let ofRows = (columns.map { product * $0 } ?? product).sum(axis: 1).values
      guard columns != nil else { return (ofRows, []) }
      return (ofRows, (rows.map { product * $0 } ?? product).sum(axis: 0).values)
    }
  }
}
