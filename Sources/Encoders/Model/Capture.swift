import Tensors

/// Capture of values of a forward pass besides its result; what nobody asks for is not computed.
///
/// Each is a set of taps, under names that depend on the model.
public struct Capture: Sendable, Hashable, ExpressibleByArrayLiteral {
  private enum Feature: Hashable {
    case innerHiddenStates
    /// Every row of the last layer.
    case wholeLastLayer
    case attentionProbabilities
    case attentionScores
    case selfAttention(layer: Int)
  }

  private var features: Set<Feature>

  private init(_ features: Set<Feature>) { self.features = features }

  /// Everything that some wishes are for.
  public init(arrayLiteral elements: Capture...) {
    self.init(elements.reduce(into: []) { $0.formUnion($1.features) })
  }

  /// A wish for nothing.
  public init() { self.init([]) }

  /// The embeddings and the output of every layer but the last: a classifier then still computes only the first row
  /// of each sequence in its last layer.
  public static let innerHiddenStates = Capture([.innerHiddenStates])
  /// The embeddings and the output of every layer.
  public static let hiddenStates = Capture([.innerHiddenStates, .wholeLastLayer])
  /// Attention probabilities of each layer, before dropout.
  public static let attentionProbabilities = Capture([.attentionProbabilities, .wholeLastLayer])
  /// Attention scores of each layer, scaled, before the softmax.
  public static let attentionScores = Capture([.attentionScores, .wholeLastLayer])
  /// Queries, keys and values of every token in one layer; what comes after them is still computed for the wanted rows
  /// only.
  ///
  /// - Parameter layer: The layer, counted from 0.
  public static func selfAttention(ofLayer layer: Int) -> Capture {
    Capture([.selfAttention(layer: layer)])
  }

  /// Whether nothing is wanted.
  public var isEmpty: Bool { features.isEmpty }

  /// Whether everything is wanted that another wish is for.
  public func isSuperset(of other: Capture) -> Bool { features.isSuperset(of: other.features) }

  /// Whether everything is wanted that another wish is for.
  public func contains(_ other: Capture) -> Bool { isSuperset(of: other) }

  /// Adds what another wish is for.
  public mutating func formUnion(_ other: Capture) { features.formUnion(other.features) }

  /// Union of this and another wish.
  public func union(_ other: Capture) -> Capture { Capture(features.union(other.features)) }
}

extension Capture {
  /// The names of the taps in a model.
  func names(in config: EncoderConfig) -> [String] {
    guard !isEmpty else { return [] }
    let attention = attention(in: config)
    return hiddenStates(in: config)
      + attention.flatMap { layer, names in
        (contains(.selfAttention(ofLayer: layer)) ? [names.queries, names.keys, names.values] : [])
          + (contains(.attentionScores) ? [names.scores] : [])
          + (contains(.attentionProbabilities) ? [names.probabilities] : [])
      }
  }

  /// Adds to an encoder's output what taps have kept.
  func fill(_ output: inout EncoderOutput, from taps: Taps, _ config: EncoderConfig) {
    output.hiddenStates = hiddenStates(in: config).compactMap { taps.values[$0] }
    for (layer, names) in attention(in: config) {
      if contains(.attentionScores), let maps = taps.maps[names.scores] {
        output.attentionScores.append(maps)
      }
      if contains(.attentionProbabilities), let maps = taps.maps[names.probabilities] {
        output.attentionProbabilities.append(maps)
      }
      if contains(.selfAttention(ofLayer: layer)), let queries = taps.values[names.queries],
        let keys = taps.values[names.keys], let values = taps.values[names.values]
      {
        output.selfAttention[layer] = SelfAttentionVectors(queries: queries, keys: keys, values: values)
      }
    }
  }

  /// The names of the hidden states that are wanted, in order.
  private func hiddenStates(in config: EncoderConfig) -> [String] {
    guard contains(.innerHiddenStates) else { return [] }
    let count = config.layerCount - (contains(.hiddenStates) ? 0 : 1)
    return [config.family.entrance(config)] + (0..<count).map { config.family.layerName($0) }
  }

  /// Names of what attention can be asked for, layer by layer.
  private func attention(in config: EncoderConfig) -> [(layer: Int, names: AttentionNames)] {
    (0..<config.layerCount).compactMap { layer in
      config.family.attention(inLayer: layer).map { (layer, $0) }
    }
  }
}
