import ModelFormats

extension EncoderConfig {
  /// Features of an attention head, 0 where there is none: cut heads take nothing from the size of the others.
  public var headSize: Int { attentionHeads > 0 ? hiddenSize / attentionHeads : 0 }

  /// Heads of a layer's attention.
  ///
  /// - Parameter layer: The layer, counted from 0.
  public func heads(inLayer layer: Int) -> Int { attentionHeads - (prunedHeads[layer]?.count ?? 0) }

  /// Features between the two feed-forward products of a layer.
  ///
  /// - Parameter layer: The layer, counted from 0.
  public func intermediateSize(inLayer layer: Int) -> Int {
    guard let sizes = intermediateSizes, sizes.indices.contains(layer) else { return intermediateSize }
    return sizes[layer]
  }

  /// Features of the queries, keys and values of a layer: its heads times their size.
  ///
  /// - Parameter layer: The layer, counted from 0.
  public func attentionWidth(inLayer layer: Int) -> Int {
    let pruned = prunedHeads[layer]?.count ?? 0
    return pruned == 0 ? hiddenSize : hiddenSize - pruned * headSize
  }

  /// The heads of every layer.
  public var headCounts: [Int] { (0..<layerCount).map { heads(inLayer: $0) } }

  /// The feed-forward sizes of every layer.
  public var feedForwardSizes: [Int] { (0..<layerCount).map { intermediateSize(inLayer: $0) } }

  /// Reason why version 5 of `transformers` cannot load a model of this shape, as a sentence without its end; nil where it
  /// can.
  ///
  /// It builds every layer alike, with heads of `hidden_size` / `num_attention_heads` features. Version 4 builds cut heads
  /// (`pruned_heads`), but no feed-forward sizes of single layers. Neither knows matrices that are two (`low_rank`).
  public var reasonAgainstTransformers: String? {
    guard architecture.isOfTransformers else {
      return "transformers has no family \(architecture.rawValue)"
    }
    if !prunedHeads.isEmpty {
      return
        "some layers have fewer than \(attentionHeads) heads, and transformers 5 gives each layer \(key(\.hiddenSize)) "
        + "\(hiddenSize) / \(headSize) features a head = \(attentionHeads) of them (version 4 reads pruned_heads)"
    }
    if intermediateSizes != nil {
      return
        "its layers have different feed-forward sizes, and transformers has one \(key(\.intermediateSize)) for all"
    }
    if !lowRank.isEmpty {
      return
        "\(lowRank.count) of its matrices are two thin ones (low_rank), which transformers has no layer for"
    }
    return nil
  }

  /// Takes sizes of single layers: what all have alike becomes the configuration's own.
  ///
  /// - Parameters:
  ///   - cut: For each layer the heads that it lacks, numbered among `attentionHeads`.
  ///   - sizes: The feed-forward size of each layer.
  package mutating func set(prunedHeads cut: [[Int]], intermediateSizes sizes: [Int]) {
    prunedHeads = [:]
    for (layer, heads) in cut.enumerated() where !heads.isEmpty { prunedHeads[layer] = heads.sorted() }
    intermediateSize = sizes.max() ?? intermediateSize
    intermediateSizes = sizes.allSatisfy { $0 == intermediateSize } ? nil : sizes
  }

  /// This configuration with some of its layers, in that order.
  func keeping(layers: [Int]) -> EncoderConfig {
    var config = self
    config.layerCount = layers.count
    config.lowRank = ranks(keeping: layers)
    config.set(
      prunedHeads: layers.map { prunedHeads[$0] ?? [] },
      intermediateSizes: layers.map { intermediateSize(inLayer: $0) })
    return config
  }
}

/// Place of a parameter in a model.
package struct ParameterPlace: Sendable {
  /// Module that it belongs to, by its full name.
  package let module: String
  /// Layer that it belongs to, counted from 0; nil outside the layers.
  package let layer: Int?
  /// Widths along which a smaller model keeps less of it.
  package let cut: Cut
  /// Whether it belongs to the head.
  package let isOfHead: Bool
}

extension EncoderConfig {
  /// The place of a parameter of a model of this configuration.
  ///
  /// - Parameter name: Its canonical name.
  package func place(of name: String) -> ParameterPlace {
    let part = family.layerPart(of: name)
    return ParameterPlace(
      module: parentModule(of: name), layer: part?.layer,
      cut: cutOfFactor(name, whole: cut(of: name, part?.name)),
      isOfHead: part == nil && headForm.owns(name))
  }

  /// Widths along which a smaller model keeps less of a module's weight, were it whole.
  func wholeCut(ofWeightIn module: String) -> Cut {
    let name = module + ".weight"
    return cut(of: name, family.layerPart(of: name)?.name)
  }

  private func cut(of name: String, _ partName: String?) -> Cut {
    if let partName { return family.cut(inLayer: partName) }
    if headForm.owns(name) { return headForm.cut(of: name, self) }
    guard name.hasPrefix(family.module + ".") else { return Cut() }
    return family.cut(outsideLayers: String(name.dropFirst(family.module.count + 1)), self)
  }

  /// The names of what the two halves of a layer compute inside; nil where it has no such halves.
  package func innerNames(inLayer layer: Int) -> LayerInnerNames? { family.innerNames(inLayer: layer) }
}

/// Names of the wide values of a Transformer layer among those that can be asked for.
package struct LayerInnerNames: Sendable {
  /// Values that attention mixed, head beside head, [tokens, heads × size].
  package let mixed: String
  /// Rows that the feed-forward half reads, [tokens, hidden].
  package let attended: String
  /// Rows of the feed-forward half behind their nonlinearity, [tokens, neurons].
  package let feedForward: String
}

extension ConfigField {
  /// Heads that layers lack, written as version 4 of `transformers` does: an object from layers to the numbers of heads.
  static let prunedHeads = ConfigField(key: "pruned_heads", path: \.prunedHeads) { config, file in
    if let heads = file.integerLists("pruned_heads") { config.prunedHeads = heads.filter { !$1.isEmpty } }
  } write: { config, object in
    guard !config.prunedHeads.isEmpty || object["pruned_heads"] != nil else { return }
    var lists = JSONObject()
    for (layer, heads) in config.prunedHeads.sorted(by: { $0.key < $1.key }) {
      lists[String(layer)] = .array(heads.map { .integer($0) })
    }
    object["pruned_heads"] = .object(lists)
  } fault: { config in
    for (layer, heads) in config.prunedHeads.sorted(by: { $0.key < $1.key }) {
      guard layer >= 0, layer < config.layerCount else {
        return "found layer \(layer), expected layers 0 to \(config.layerCount - 1)"
      }
      guard heads.allSatisfy({ $0 >= 0 && $0 < config.attentionHeads }), Set(heads).count == heads.count
      else {
        return "found \(heads) in layer \(layer), expected heads 0 to \(config.attentionHeads - 1), each once"
      }
      guard heads.count < config.attentionHeads else {
        return "found all \(heads.count) heads of layer \(layer), expected one to be left"
      }
    }
    return nil
  }

  /// Feed-forward sizes of single layers, a list that only Potstill reads and that stands where they differ.
  static func layerSizes(_ key: String) -> ConfigField {
    ConfigField(key: key, path: \.intermediateSizes) { config, file in
      if let sizes = file.integers(key) { config.intermediateSizes = sizes }
    } write: { config, object in
      object[key] = config.intermediateSizes.map { .array($0.map { .integer($0) }) }
    } fault: { config in
      guard let sizes = config.intermediateSizes else { return nil }
      guard sizes.count == config.layerCount else {
        return "found \(sizes.count) sizes, expected one for each of the \(config.layerCount) layers"
      }
      return sizes.lazy.compactMap(sizeFault).first
    }
  }
}

extension ConfigReading {
  /// An object from whole numbers to lists of them.
  mutating func integerLists(_ field: String) -> [Int: [Int]]? {
    guard let value = object[field], !value.isNull else { return nil }
    var lists: [Int: [Int]] = [:]
    for (key, value) in value.objectValue ?? JSONObject() {
      let numbers = value.arrayValue?.compactMap(\.intValue)
      guard let layer = Int(key), let numbers, numbers.count == value.arrayValue?.count else {
        faults.note(field, "found \"\(key)\": \(value.compactText), expected a layer and a list of its heads")
        return nil
      }
      lists[layer] = numbers
    }
    if value.objectValue == nil { faults.note(field, "found \(value.kind), expected an object") }
    return lists
  }
}
