extension EncoderArchitecture {
  /// The name of a layer's output among the values that can be asked for, such as `encoder.layer.3`.
  ///
  /// - Parameter index: The layer, counted from 0.
  package func layerName(_ index: Int) -> String { family.layerName(index) }

  /// The names of what self-attention compares and mixes in a layer, counted from 0; nil where there is none.
  package func attentionNames(inLayer index: Int) -> AttentionNames? { family.attention(inLayer: index) }
}

extension EncoderConfig {
  /// Names of the hidden states among the values that can be asked for: the embeddings, then each layer, as
  /// `output_hidden_states` of `transformers` gives them, [tokens, hidden] each.
  public var hiddenStateNames: [String] {
    [entranceName] + (0..<layerCount).map { architecture.layerName($0) }
  }

  /// Names of the queries, keys, values and attention maps of a layer; nil where there are none.
  ///
  /// - Parameter index: The layer, counted from 0.
  public func attentionNames(inLayer index: Int) -> AttentionNames? {
    (0..<layerCount).contains(index) ? architecture.attentionNames(inLayer: index) : nil
  }

  /// The name of what goes into the first layer among the values that can be asked for, such as `embeddings`.
  package var entranceName: String { family.entrance(self) }

  /// Names of the values that the head computes, among those that can be asked for.
  package var headTaps: Set<String> {
    Set(headForm.intermediates(self).map(\.name) + [headForm.logits] + [headForm.pooler].compactMap { $0 })
  }
}
