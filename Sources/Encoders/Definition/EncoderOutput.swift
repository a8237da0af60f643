import Tensors

/// Output of an encoder's forward pass.
public struct EncoderOutput {
  /// The last layer's output: every row, [tokens, hidden], or the first of each sequence, [sequences, hidden], when
  /// only those were needed.
  public let lastHiddenState: Tensor
  /// Whether `lastHiddenState` holds the first row of each sequence only.
  public let holdsFirstRowsOnly: Bool
  /// The last layer's output of chosen tokens; nil chooses all.
  func rows(_ rows: [Int32]?) -> Tensor {
    rows.map { lastHiddenState.rows(at: $0) } ?? lastHiddenState
  }
}

/// Output of a model with a head.
public struct ModelOutput {
  /// Logits, one row a sequence, [sequences, labels]; or per token, or wanted row, [tokens, outputs].
  ///
  /// The outputs of question answering are 2, start and end; those of a masked language model its vocabulary.
  public let logits: Tensor
  /// The output of the first layer of a sequence head (BERT's pooler) before dropout, [sequences, hidden]; nil for others.
  public let pooled: Tensor?
  /// Output of the encoder below the head.
  public let encoder: EncoderOutput
  /// Inner values that were asked for, by name.
  public internal(set) var values: [String: Tensor] = [:]
  /// Attention maps that were asked for, by name.
  public internal(set) var maps: [String: AttentionMaps] = [:]

  /// Output of a head on that of an encoder.
  init(logits: Tensor, pooled: Tensor?, encoder: EncoderOutput) {
    (self.logits, self.pooled, self.encoder) = (logits, pooled, encoder)
  }
}

/// Vectors that a layer's self-attention compares and mixes: the queries, keys and values of every token, before the heads part.
public struct SelfAttentionVectors {
  /// The queries, [tokens, hidden].
  public let queries: Tensor
  /// The keys, [tokens, hidden].
  public let keys: Tensor
  /// The values, [tokens, hidden].
  public let values: Tensor

  /// Vectors of one layer.
  public init(queries: Tensor, keys: Tensor, values: Tensor) {
    (self.queries, self.keys, self.values) = (queries, keys, values)
  }

  /// The vectors of chosen tokens.
  package func rows(_ rows: [Int32]) -> SelfAttentionVectors {
    SelfAttentionVectors(
      queries: queries.rows(at: rows), keys: keys.rows(at: rows), values: values.rows(at: rows))
  }
}

/// A value inside a model, under the name of the module that computes it in `transformers`, such as
/// `encoder.layer.3.attention.output`.
///
/// The list for a configuration is `EncoderConfig.intermediates`; `TaskModel` gives the values that are asked for.
public struct Intermediate: Sendable, Equatable {
  /// Unit that a value has a row of.
  public enum Rows: Sendable {
    /// A row for each token of the batch, [T, width].
    case tokens
    /// A row for each sequence, [B, width].
    case sequences
    /// A row for each token that a head answered: every one, or those it was asked for, [rows, width].
    case answers
  }

  /// The module's name, without the encoder's own (`bert.`).
  public let name: String
  /// The values of a row.
  public let width: Int
  /// Unit that the value has a row of.
  public let rows: Rows

  init(_ name: String, width: Int, _ rows: Rows = .tokens) {
    (self.name, self.width, self.rows) = (name, width, rows)
  }
}
