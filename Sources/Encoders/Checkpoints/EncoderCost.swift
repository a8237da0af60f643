import ModelFormats

/// Cost of a Transformer encoder: operations of a forward pass, and values that a training step keeps in memory.
public struct EncoderCost: Sendable, Equatable {
  /// Number of layers.
  public let layers: Int
  /// Features of a token.
  public let hiddenSize: Int
  /// Features inside the feed-forward part.
  public let intermediateSize: Int
  /// Attention heads; 0 for an encoder without attention.
  public let heads: Int

  /// The cost of an encoder of some shape.
  public init(layers: Int, hiddenSize: Int, intermediateSize: Int, heads: Int) {
    (self.layers, self.hiddenSize, self.intermediateSize, self.heads) = (
      layers, hiddenSize, intermediateSize, heads
    )
  }

  /// Values of one layer that the backward pass needs: T (8 H + F + A L) for T tokens in sequences of length L.
  public func keptValues(tokens: Int, sequenceLength: Int) -> Int {
    tokens * (8 * hiddenSize + intermediateSize + heads * sequenceLength)
  }

  /// Values of all layers that the backward pass needs; where layers are computed again, what goes into each and one layer's.
  public func keptValues(ofAllLayers tokens: Int, sequenceLength: Int, recomputing: Bool) -> Int {
    let one = keptValues(tokens: tokens, sequenceLength: sequenceLength)
    return recomputing ? layers * tokens * hiddenSize + one : layers * one
  }

  /// Values of gradients on their way through a layer: T (4 H + F) for T tokens.
  public func passingValues(tokens: Int) -> Int { tokens * (4 * hiddenSize + intermediateSize) }

  /// Operations of attention's two products for each token, in all layers: 4 H L, a multiplication and an addition counted as two.
  public func attentionOperations(sequenceLength: Int) -> Int {
    heads > 0 ? 4 * layers * hiddenSize * sequenceLength : 0
  }

  /// Bytes of a training step with AdamW in 32-bit floats: parameters, gradients and two states, and activations.
  public func trainingBytes(parameters: Int, tokens: Int, sequenceLength: Int) -> Int {
    16 * parameters
      + 4
      * (layers * keptValues(tokens: tokens, sequenceLength: sequenceLength) + passingValues(tokens: tokens))
  }

  /// Operations of an encoder's matrices for each token, read off its parameters: two a value, tables of embeddings and heads left out.
  ///
  /// - Parameter tensors: Name and shape of each parameter.
  static func matrixOperations(_ tensors: [(name: String, shape: [Int])]) -> Int {
    tensors.reduce(0) { sum, tensor in
      let parts = tensor.name.split(separator: ".")
      // The second factor of a table widens its rows by a product.
      let isTable =
        parts.contains { $0.hasSuffix("embeddings") && $0 != "embeddings" }
        && !tensor.name.hasSuffix("." + WeightMatrix.upName)
      let isOfHead = parts.contains { heads.contains(String($0)) }
      return tensor.shape.count < 2 || isTable || isOfHead ? sum : sum + 2 * tensor.shape.reduce(1, *)
    }
  }

  /// Parts of names that begin a head, or stand once a sequence.
  private static let heads: Set = [
    "classifier", "pre_classifier", "qa_outputs", "pooler", "cls", "lm_head", "vocab_projector",
    "vocab_transform",
    "generator_predictions", "generator_lm_head", "discriminator_predictions",
  ]
}
