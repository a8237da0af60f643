import Tensors

/// What an encoder's forward pass computed.
public struct EncoderOutput {
  /// The last layer's output: every row, [tokens, hidden], or the first of each sequence, [sequences, hidden], when
  /// only those were needed.
  public let lastHiddenState: Tensor
  /// Whether `lastHiddenState` holds the first row of each sequence only.
  public let holdsFirstRowsOnly: Bool
  /// The embeddings and each layer's output, [tokens, hidden] each, as far as they were captured: index 0 is the
  /// embeddings, index k layer k, as in Hugging Face.
  public let hiddenStates: [Tensor]
  /// Each layer's attention probabilities, when captured.
  public let attentionProbabilities: [AttentionMaps]
  /// Each layer's attention scores, when captured.
  public let attentionScores: [AttentionMaps]
  /// The queries, keys and values of the captured layers, by layer from 0.
  public let selfAttention: [Int: SelfAttentionVectors]
}

/// What a model with a head computed.
public struct ModelOutput {
  /// One row of logits per sequence, [sequences, labels]; or per token, or wanted row, [tokens, outputs].
  ///
  /// The outputs of question answering are 2, start and end; those of a masked language model its vocabulary.
  public let logits: Tensor
  /// The output of the first layer of a sequence head (BERT's pooler) before dropout, [sequences, hidden]; nil for others.
  public let pooled: Tensor?
  /// What the encoder below the head computed.
  public let encoder: EncoderOutput
  /// The values that were asked for by name; see `EncoderConfig.intermediates`.
  public internal(set) var intermediates: [String: Tensor] = [:]

  /// The encoder's captured hidden states: index 0 is the embeddings, index k layer k.
  public var hiddenStates: [Tensor] { encoder.hiddenStates }
}
