extension EncoderConfig {
  /// A configuration with the given shape; everything else is BERT's default until it is set.
  ///
  /// - Parameters:
  ///   - vocabularySize: Rows of the word table.
  ///   - hiddenSize: Features of a token.
  ///   - layerCount: Layers.
  ///   - attentionHeads: Heads of each attention; divides `hiddenSize`.
  ///   - intermediateSize: Features between the two feed-forward products.
  ///   - labels: The names of the classes in order.
  public init(
    vocabularySize: Int, hiddenSize: Int, layerCount: Int, attentionHeads: Int, intermediateSize: Int,
    labels: [String]
  ) {
    self.init(
      vocabularySize: vocabularySize, hiddenSize: hiddenSize, layerCount: layerCount,
      attentionHeads: attentionHeads, intermediateSize: intermediateSize)
    self.labels = labels
  }
}
