/// What a caller wants to see of a forward pass besides its result; what nobody asks for is not computed.
public struct Capture: OptionSet, Sendable {
  /// The bits.
  public let rawValue: Int

  /// A set with the given bits.
  public init(rawValue: Int) { self.rawValue = rawValue }

  /// The embeddings and the output of every layer but the last: a classifier then still computes only the first row
  /// of each sequence in its last layer.
  public static let innerHiddenStates = Capture(rawValue: 1)
  /// The embeddings and the output of every layer.
  public static let hiddenStates = Capture(rawValue: 1 | 2)
  /// Each layer's attention probabilities, before dropout.
  public static let attentionProbabilities = Capture(rawValue: 4 | 2)
  /// Each layer's scaled attention scores, before the softmax.
  public static let attentionScores = Capture(rawValue: 8 | 2)
  /// One layer's queries, keys and values of every token; what comes after them is still computed for the wanted rows
  /// only.
  ///
  /// - Parameter layer: The layer, counted from 0, below `selfAttentionLayerLimit`.
  public static func selfAttention(ofLayer layer: Int) -> Capture {
    precondition(
      (0..<selfAttentionLayerLimit).contains(layer),
      "Vectors can be captured of the first \(selfAttentionLayerLimit) layers, not of layer \(layer).")
    return Capture(rawValue: 1 << (8 + layer))
  }
  /// The number of layers, from the first, whose queries, keys and values can be captured.
  public static let selfAttentionLayerLimit = 48

  /// Whether a layer's queries, keys and values are wanted.
  func wantsSelfAttention(ofLayer layer: Int) -> Bool {
    layer < Self.selfAttentionLayerLimit && contains(.selfAttention(ofLayer: layer))
  }
  /// The last layer's output for every row.
  static let wholeLastLayer = Capture(rawValue: 2)
}
