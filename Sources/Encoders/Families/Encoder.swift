import Tensors
import Tokenization

/// What turns packed tokens into a hidden state for each, below the head of a `TaskModel`.
protocol Encoder {
  /// The word table, [vocabulary, features].
  var words: Parameter { get }

  /// Runs the encoder, whose parts keep what the context's taps want.
  ///
  /// - Parameters:
  ///   - batch: The packed sequences; ids below the vocabulary size, lengths up to `EncoderConfig.maxPositions`.
  ///   - firstRowsOnly: Whether the caller reads only the first row of each sequence of the last layer, if the encoder can
  ///     save work by that.
  ///   - context: The pass this is part of.
  func callAsFunction(_ batch: TokenBatch, firstRowsOnly: Bool, in context: Context) -> EncoderOutput

  /// This encoder with blocks of another's layers in the place of some of its own; nil where they cannot take it.
  ///
  /// - Parameters:
  ///   - blocks: For each of this encoder's layers the other's layers that run instead; nil keeps its own.
  ///   - other: The encoder of the other layers.
  func keeping(_ blocks: [Range<Int>?], of other: any Encoder) -> (any Encoder)?

  /// Embedding tables of fewer columns in place of its own; nil where it cannot have them.
  ///
  /// - Parameter size: The columns, at most those of its word table.
  func factorised(columns size: Int) -> FactorisedEmbeddings?
}

extension Encoder {
  func keeping(_ blocks: [Range<Int>?], of other: any Encoder) -> (any Encoder)? { nil }
  func factorised(columns size: Int) -> FactorisedEmbeddings? { nil }
}
