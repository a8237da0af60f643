import ModelFormats
import Tensors

/// Matrices that are held as two thin ones, by `low_rank` in `config.json`: an object from modules, such as
/// `bert.encoder.layer.0.attention.self.query`, to ranks.
///
/// The linear layers of Transformer layers can be, and the word table of every family.
extension EncoderConfig {
  /// The key in `config.json`.
  static let lowRankKey = "low_rank"

  /// The shape of a module's weight that two thin ones can stand for, [outputs, inputs], of the word table [vocabulary, features]; nil
  /// for other modules.
  ///
  /// - Parameter module: Its full name.
  package func matrixShape(of module: String) -> Shape? {
    if isWordTable(module) { return [vocabularySize, embeddingSize ?? hiddenSize] }
    guard let (layer, rows, columns) = layerMatrix(module) else { return nil }
    func size(_ width: Cut.Width) -> Int {
      switch width {
      case .features: hiddenSize
      case .heads: attentionWidth(inLayer: layer)
      case .neurons: intermediateSize(inLayer: layer)
      }
    }
    return [size(rows), size(columns)]
  }

  /// The layer of a linear layer that two thin ones can stand for, and what its outputs and inputs are; nil for other modules.
  private func layerMatrix(_ module: String) -> (layer: Int, rows: Cut.Width, columns: Cut.Width)? {
    guard let layer = family.layerPart(of: module + ".weight")?.layer, layer >= 0, layer < layerCount
    else { return nil }
    let cut = wholeCut(ofWeightIn: module)
    guard let rows = cut.rows, let columns = cut.columns else { return nil }
    return (layer, rows, columns)
  }

  /// Whether a module is the word table.
  package func isWordTable(_ module: String) -> Bool {
    module + ".weight" == family.module + "." + family.wordTable
  }

  /// The name, among the values that can be asked for, of what a linear layer of a Transformer layer reads; nil for other modules.
  package func inputName(ofMatrix module: String) -> String? {
    guard matrixShape(of: module) != nil, let layer = family.layerPart(of: module + ".weight")?.layer,
      let inner = innerNames(inLayer: layer)
    else { return nil }
    let cut = wholeCut(ofWeightIn: module)
    switch cut.columns {
    case .heads: return inner.mixed
    case .neurons: return inner.feedForward
    case .features: return cut.rows == .neurons ? inner.attended : hiddenStateNames[layer]
    case nil: return nil
    }
  }

  /// Widths along which a smaller model keeps less of a factor, given those of the whole.
  func cutOfFactor(_ name: String, whole: Cut) -> Cut {
    let module = parentModule(of: name)
    guard lowRank[module] != nil else { return whole }
    let widths = wholeCut(ofWeightIn: module)
    let isTable = isWordTable(module)
    if name == module + ".weight" { return isTable ? Cut() : Cut(columns: widths.columns) }
    if name == module + "." + WeightMatrix.upName { return Cut(rows: isTable ? widths.columns : widths.rows) }
    return whole
  }

  /// The ranks of a model of some of the layers.
  func ranks(keeping layers: [Int]) -> [String: Int] {
    var ranks: [String: Int] = [:]
    for (module, rank) in lowRank {
      guard let part = family.layerPart(of: module + ".weight") else {
        ranks[module] = rank
        continue
      }
      for (target, layer) in layers.enumerated() where layer == part.layer {
        ranks["\(family.layerPrefix)\(target).\(parentModule(of: part.name))"] = rank
      }
    }
    return ranks
  }

  /// Values that the factors spare.
  var valuesSpared: Double {
    lowRank.reduce(0) { sum, entry in
      guard let shape = matrixShape(of: entry.key) else { return sum }
      return sum + Double(shape[0]) * Double(shape[1]) - Double(entry.value) * Double(shape[0] + shape[1])
    }
  }

  /// Writes the ranks, the layers in their order.
  func writeLowRank(to object: inout JSONObject) {
    var ranks = JSONObject()
    let order = lowRank.keys.sorted {
      let (a, b) = (family.layerPart(of: $0 + ".weight")?.layer, family.layerPart(of: $1 + ".weight")?.layer)
      return (a ?? -1, $0) < (b ?? -1, $1)
    }
    for module in order { ranks[module] = lowRank[module].map { .integer($0) } }
    object[Self.lowRankKey] = lowRank.isEmpty ? nil : .object(ranks)
  }

  /// Notes modules that the model does not have, and ranks that are none.
  func noteLowRank(_ faults: inout ConfigFaults) {
    for (module, rank) in lowRank.sorted(by: { $0.key < $1.key }) {
      faults.require(
        rank > 0 && rank < 1 << 31, Self.lowRankKey,
        "found \(rank) for \"\(printable(module, atMost: 200))\", expected a rank, a whole number from 1")
      faults.require(
        isWordTable(module) || layerMatrix(module) != nil, Self.lowRankKey,
        "found \"\(printable(module, atMost: 200))\", expected linear layers of this model's layers, or its word table "
          + parentModule(of: family.module + "." + family.wordTable))
    }
  }
}

extension ConfigReading {
  /// The ranks of modules.
  mutating func lowRank() -> [String: Int]? {
    let key = EncoderConfig.lowRankKey
    guard let value = object[key], !value.isNull else { return nil }
    guard let entries = value.objectValue else {
      faults.note(key, "found \(value.kind), expected an object from modules to ranks")
      return nil
    }
    var ranks: [String: Int] = [:]
    for (module, value) in entries {
      guard let rank = value.intValue else {
        faults.note(
          key,
          "found \(value.compactText) for \"\(printable(module, atMost: 200))\", expected a whole number from 1"
        )
        return nil
      }
      ranks[module] = rank
    }
    return ranks
  }
}
