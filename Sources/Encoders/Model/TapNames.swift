extension EncoderArchitecture {
  /// The name of a layer's output among the values that can be asked for, such as `encoder.layer.3`.
  ///
  /// - Parameter index: The layer, counted from 0.
  package func layerName(_ index: Int) -> String { family.layerName(index) }

  /// The names of what self-attention compares and mixes in a layer, counted from 0; nil where there is none.
  package func attentionNames(inLayer index: Int) -> AttentionNames? { family.attention(inLayer: index) }
}

extension EncoderConfig {
  /// Names of the values that the head computes, among those that can be asked for.
  package var headTaps: Set<String> {
    Set(headForm.intermediates(self).map(\.name) + [headForm.logits] + [headForm.pooler].compactMap { $0 })
  }

  /// The name of what goes into the first layer among the values that can be asked for, such as `embeddings`.
  package var entranceName: String { family.entrance(self) }
}
