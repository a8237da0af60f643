import Encoders

/// Rule by which heads and neurons of a layer compete.
public enum PruningMasks: Sendable, Equatable {
  /// Every layer keeps as many; those of one layer compete. What `transformers` can build.
  case even
  /// Those of all layers compete, so that layers keep different numbers.
  ///
  /// - Parameter multipleOf: Neurons go in groups of so many of similar importance (TextPruner's `multiple_of`).
  case uneven(multipleOf: Int)
}

extension PruningMasks {
  /// Heads or neurons that stay in each layer, ascending.
  ///
  /// It chooses what TextPruner's `generate_mask` does: the largest stay, of each layer or of all; a layer that would lose
  /// all keeps its most important one.
  ///
  /// - Parameters:
  ///   - count: The number that stays in a layer, on average.
  ///   - scores: Importance in each layer.
  ///   - group: The size of a group of uneven masks.
  package func kept(_ count: Int, of scores: [[Double]], group: Int = 1) -> [[Int]] {
    switch self {
    case .even: scores.map { Self.largest(count, of: $0) }
    case .uneven: Self.uneven(total: count * scores.count, of: scores, group: group)
    }
  }

  /// The size of groups of neurons.
  var neuronGroup: Int {
    switch self {
    case .even: 1
    case .uneven(let multiple): multiple
    }
  }

  /// The places of the largest scores, ascending; of equal ones the first.
  static func largest(_ count: Int, of scores: [Double]) -> [Int] {
    scores.indices.sorted { (scores[$0], $1) > (scores[$1], $0) }.prefix(count).sorted()
  }

  private static func uneven(total: Int, of scores: [[Double]], group: Int) -> [[Int]] {
    struct Group {
      let layer: Int
      let members: [Int]
      let score: Double
    }
    let groups = scores.enumerated().flatMap { layer, own -> [Group] in
      // From the least on, so that a last group of fewer members is one of the most important.
      let order = own.indices.sorted { (own[$0], $1) < (own[$1], $0) }
      return stride(from: 0, to: order.count, by: group).map { first in
        let members = Array(order[first..<min(first + group, order.count)])
        return Group(layer: layer, members: members, score: members.reduce(0) { $0 + own[$1] })
      }
    }
    let places = groups.indices.sorted { (groups[$0].score, $1) > (groups[$1].score, $0) }
    var kept = [[Int]](repeating: [], count: scores.count)
    for place in places.prefix(total / max(1, group)) { kept[groups[place].layer] += groups[place].members }
    for (layer, own) in scores.enumerated() where kept[layer].isEmpty { kept[layer] = largest(1, of: own) }
    return kept.map { $0.sorted() }
  }
}

extension Importance {
  /// The slice of a model that the most important parts make.
  ///
  /// - Parameters:
  ///   - sizes: What stays.
  ///   - config: The model's configuration.
  ///   - masks: How heads and neurons compete.
  func slice(_ sizes: WholeSizes, of config: EncoderConfig, masks: PruningMasks) -> ModelSlice {
    let kept = PruningMasks.largest(sizes.layers, of: layers)
    var slice = ModelSlice(of: config, layers: kept)
    if sizes.hiddenSize < config.hiddenSize {
      slice.features = PruningMasks.largest(sizes.hiddenSize, of: features)
    }
    let before = WholeSizes(config)
    let mostHeads = sizes.hiddenSize / max(1, config.headSize)
    if sizes.heads < before.heads || mostHeads < config.attentionHeads {
      slice.heads = masks.kept(sizes.heads, of: kept.map { heads[$0] })
      // No layer has room for more heads than fill the hidden features.
      for (index, layer) in kept.enumerated() where slice.heads[index].count > mostHeads {
        slice.heads[index] = PruningMasks.largest(mostHeads, of: heads[layer])
      }
    }
    if sizes.intermediateSize < before.intermediateSize {
      let scores: [[Double]] = masks == .even ? neurons : neuronOutputs
      slice.neurons = masks.kept(
        sizes.intermediateSize, of: kept.map { scores[$0] }, group: masks.neuronGroup)
    }
    return slice
  }
}
