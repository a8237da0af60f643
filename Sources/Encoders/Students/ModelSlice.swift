import Tensors

/// Slice of a Transformer that a smaller one keeps: some of its layers, hidden features, and in each layer some heads and
/// feed-forward neurons.
public struct ModelSlice: Sendable, Equatable {
  /// Layers, counted from 0, in the order of the smaller model; one may be taken twice.
  public var layers: [Int]
  /// Hidden features, ascending, the same in every layer.
  public var features: [Int]
  /// Heads of each of those layers, ascending, numbered among those that the layer has.
  public var heads: [[Int]]
  /// Feed-forward neurons of each of those layers, ascending.
  public var neurons: [[Int]]

  /// The slice that keeps everything of some layers; nil for all layers.
  public init(of config: EncoderConfig, layers: [Int]? = nil) {
    self.layers = layers ?? Array(0..<config.layerCount)
    features = Array(0..<config.hiddenSize)
    heads = self.layers.map { Array(0..<config.heads(inLayer: $0)) }
    neurons = self.layers.map { Array(0..<config.intermediateSize(inLayer: $0)) }
  }

  /// The slice of its parts.
  init(layers: [Int], features: [Int], heads: [[Int]], neurons: [[Int]]) {
    (self.layers, self.features, self.heads, self.neurons) = (layers, features, heads, neurons)
  }
}

extension EncoderConfig {
  /// The configuration of a slice of a model of this one.
  ///
  /// - Throws: `ModelError.request` for parts that are not there, a layer without heads or neurons, and hidden features that
  ///   are no multiple of a head's or fewer than the heads of a layer need.
  public func keeping(_ slice: ModelSlice) throws(ModelError) -> EncoderConfig {
    try check(slice)
    var config = keeping(layers: slice.layers)
    let hidden = slice.features.count
    config.hiddenSize = hidden
    config.attentionHeads = hidden / headSize
    let cut = zip(slice.layers, slice.heads).map { layer, heads in
      guard hidden == hiddenSize else { return Array(heads.count..<config.attentionHeads) }
      let present = (0..<attentionHeads).filter { !(prunedHeads[layer]?.contains($0) ?? false) }
      let kept = Set(heads.map { present[$0] })
      return (0..<attentionHeads).filter { !kept.contains($0) }
    }
    config.set(prunedHeads: cut, intermediateSizes: slice.neurons.map(\.count))
    return config
  }

  private func check(_ slice: ModelSlice) throws(ModelError) {
    guard family.copiesLayers else {
      throw .request(
        "a model of type \(architecture.rawValue) has no heads, neurons and layers that could be cut; a Transformer has"
      )
    }
    guard !slice.layers.isEmpty else { throw .request("a model needs at least one of its layers") }
    if let wrong = slice.layers.first(where: { !(0..<layerCount).contains($0) }) {
      throw .request("the model has no layer \(wrong); its layers are 0 to \(layerCount - 1)")
    }
    precondition(
      slice.heads.count == slice.layers.count && slice.neurons.count == slice.layers.count,
      "A slice needs the heads and neurons of each of its \(slice.layers.count) layers.")
    func check(_ kept: [Int], of count: Int, _ name: String) throws(ModelError) {
      guard !kept.isEmpty else { throw .request("\(name): found none, expected at least one to be left") }
      guard let last = kept.last, kept[0] >= 0, last < count, zip(kept, kept.dropFirst()).allSatisfy(<) else {
        throw .request("\(name): expected some of 0 to \(count - 1), each once and in order")
      }
    }
    try check(slice.features, of: hiddenSize, key(\.hiddenSize))
    for (layer, (heads, neurons)) in zip(slice.layers, zip(slice.heads, slice.neurons)) {
      try check(heads, of: self.heads(inLayer: layer), "heads of layer \(layer)")
      try check(neurons, of: intermediateSize(inLayer: layer), "neurons of layer \(layer)")
    }
    let (hidden, most) = (slice.features.count, slice.heads.map(\.count).max() ?? 0)
    guard hidden % headSize == 0, most * headSize <= hidden else {
      throw .request(
        "\(key(\.hiddenSize)) \(hidden): heads keep their \(headSize) features, so it must be a multiple of \(headSize), and "
          + "at least \(most * headSize) for the \(most) heads of a layer")
    }
  }
}

extension TaskModel {
  /// A model of the kept parts of this one, which keeps its own values.
  ///
  /// - Throws: `ModelError.request` for a slice that no model can have; see `EncoderConfig.keeping(_:)`.
  public func keeping(_ slice: ModelSlice) throws(ModelError) -> TaskModel {
    let config = try config.keeping(slice)
    let source = SlicedCopy(
      LayerCopy(of: self, layers: slice.layers), slice: slice, of: self.config.keeping(layers: slice.layers))
    return try TaskModel(config: config, store: ParameterStore(source: source, seed: 0), isFresh: false)
  }

  /// A model with values of its own that are equal to this one's.
  ///
  /// - Throws: `ModelError` as building a model does.
  public func copy() throws(ModelError) -> TaskModel {
    let source = LayerCopy(of: self, layers: Array(0..<config.layerCount))
    return try TaskModel(config: config, store: ParameterStore(source: source, seed: 0), isFresh: false)
  }

  /// A model that computes the same with layers that are all alike, as `transformers` builds them: zeros stand where heads and
  /// neurons were cut.
  ///
  /// It is as large and as slow as a model without cut heads and with the largest of the feed-forward sizes in each layer.
  ///
  /// - Throws: `ModelError` when the model is too large for this machine.
  public func padded() throws(ModelError) -> TaskModel {
    var config = config
    (config.prunedHeads, config.intermediateSizes) = ([:], nil)
    try config.checkMemory(bytesPerParameter: 4)
    let source = PaddedCopy(of: self)
    return try TaskModel(config: config, store: ParameterStore(source: source, seed: 0), isFresh: false)
  }
}

/// A model's parameters under the names they have in a slice of it, narrowed.
struct SlicedCopy: ParameterSource {
  let path = "the teacher"
  private let source: LayerCopy
  private let slice: ModelSlice
  private let config: EncoderConfig

  /// - Parameters:
  ///   - source: The model's parameters, its layers numbered as the slice's.
  ///   - slice: The parts that stay.
  ///   - config: The configuration of the model of those layers.
  init(_ source: LayerCopy, slice: ModelSlice, of config: EncoderConfig) {
    (self.source, self.slice, self.config) = (source, slice, config)
  }

  var names: [String] { source.names }

  /// The part of a parameter that stays: rows (of a vector, its elements) and columns, nil where all do.
  private func selection(_ name: String) -> (rows: [Int]?, columns: [Int]?) {
    let place = config.place(of: name)
    func kept(_ width: Cut.Width?) -> [Int]? {
      switch (width, place.layer) {
      case (.features, _): slice.features
      case (.heads, let layer?):
        slice.heads[layer].flatMap { $0 * config.headSize..<($0 + 1) * config.headSize }
      case (.neurons, let layer?): slice.neurons[layer]
      case (.heads, nil), (.neurons, nil), (nil, _): nil
      }
    }
    return (kept(place.cut.rows), kept(place.cut.columns))
  }

  func shape(of name: String) -> Shape? {
    guard let whole = source.shape(of: name) else { return nil }
    let (rows, columns) = selection(name)
    var dimensions = whole.dimensions
    if let rows { dimensions[0] = rows.count }
    if let columns { dimensions[1] = columns.count }
    return Shape(dimensions)
  }

  func tensor(_ name: String) throws(ModelError) -> Tensor {
    let whole = try source.tensor(name)
    let (rows, columns) = selection(name)
    let (height, width) = (whole.shape[0], whole.shape.rank == 2 ? whole.shape[1] : 1)
    guard rows?.count ?? height != height || columns?.count ?? width != width else { return whole }
    let values = whole.values
    let kept = rows ?? Array(0..<height)
    let result = kept.flatMap { row -> [Float] in
      guard let columns else { return Array(values[row * width..<(row + 1) * width]) }
      return columns.map { values[row * width + $0] }
    }
    return Tensor(result, shape: shape(of: name) ?? whole.shape)
  }
}

/// A model's parameters with zeros where its layers lack heads and neurons.
private struct PaddedCopy: ParameterSource {
  let path = "the model"
  private let source: LayerCopy
  private let config: EncoderConfig

  init(of model: TaskModel) {
    source = LayerCopy(of: model, layers: Array(0..<model.config.layerCount))
    config = model.config
  }

  var names: [String] { source.names }

  /// The places of a width's values among those of a whole layer, and the number of these; nil where none is lacking.
  private func places(_ width: Cut.Width?, inLayer layer: Int?) -> (places: [Int], count: Int)? {
    guard let layer else { return nil }
    switch width {
    case .heads:
      let present = (0..<config.attentionHeads).filter { !(config.prunedHeads[layer]?.contains($0) ?? false) }
      return (
        present.flatMap { $0 * config.headSize..<($0 + 1) * config.headSize }, config.hiddenSize
      )
    case .neurons:
      return (Array(0..<config.intermediateSize(inLayer: layer)), config.intermediateSize)
    case .features, nil: return nil
    }
  }

  func shape(of name: String) -> Shape? {
    guard let own = source.shape(of: name) else { return nil }
    let place = config.place(of: name)
    let (cut, layer) = (place.cut, place.layer)
    var dimensions = own.dimensions
    if let rows = places(cut.rows, inLayer: layer) { dimensions[0] = rows.count }
    if let columns = places(cut.columns, inLayer: layer) { dimensions[1] = columns.count }
    return Shape(dimensions)
  }

  func tensor(_ name: String) throws(ModelError) -> Tensor {
    let own = try source.tensor(name)
    guard let shape = shape(of: name), shape != own.shape else { return own }
    let place = config.place(of: name)
    let (cut, layer) = (place.cut, place.layer)
    let isMatrix = shape.rank == 2
    let (width, ownWidth) = (isMatrix ? shape[1] : 1, isMatrix ? own.shape[1] : 1)
    let rows = places(cut.rows, inLayer: layer)?.places ?? Array(0..<own.shape[0])
    let columns = places(cut.columns, inLayer: layer)?.places ?? Array(0..<ownWidth)
    let values = own.values
    var result = [Float](repeating: 0, count: shape.count)
    for (from, to) in rows.enumerated() {
      for (source, target) in columns.enumerated() {
        result[to * width + target] = values[from * ownWidth + source]
      }
    }
    return Tensor(result, shape: shape)
  }
}
