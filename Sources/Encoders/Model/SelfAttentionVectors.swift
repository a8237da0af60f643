import Tensors

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
