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

  /// The last layer's output of chosen tokens; nil chooses all.
  func rows(_ rows: [Int32]?) -> Tensor {
    rows.map { lastHiddenState.rows(at: $0) } ?? lastHiddenState
  }
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

/// What a layer's self-attention compares and mixes: the queries, keys and values of every token, before the heads part.
public struct SelfAttentionVectors {
  /// The queries, [tokens, hidden].
  public let queries: Tensor
  /// The keys, [tokens, hidden].
  public let keys: Tensor
  /// The values, [tokens, hidden].
  public let values: Tensor

  /// The vectors of a model that is none of Potstill's, as an adaptor may give them.
  public init(queries: Tensor, keys: Tensor, values: Tensor) {
    (self.queries, self.keys, self.values) = (queries, keys, values)
  }

  /// The vectors of chosen tokens.
  package func rows(_ rows: [Int32]) -> SelfAttentionVectors {
    SelfAttentionVectors(
      queries: queries.rows(at: rows), keys: keys.rows(at: rows), values: values.rows(at: rows))
  }
}

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
