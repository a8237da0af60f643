import Tensors
import Tokenization

extension TaskModel {
  /// Runs the model with blocks of another model's layers in the place of some of its own.
  ///
  /// - Parameters:
  ///   - batch: The packed sequences.
  ///   - rows: The tokens whose logits are wanted; nil wants every token's.
  ///   - blocks: For each of this model's layers the other's layers that run instead; nil keeps its own.
  ///   - other: A model of this one's hidden size.
  ///   - context: The pass this is part of.
  package func callAsFunction(
    _ batch: TokenBatch, rows: [Int32]? = nil, keeping blocks: [Range<Int>?], of other: TaskModel,
    in context: Context
  ) -> ModelOutput {
    guard let mixed = encoder.keeping(blocks, of: other.encoder) else {
      preconditionFailure(
        "Only layers of Transformers of one width can take each other's place, as many blocks as there are layers: found "
          + "\(blocks.count) blocks of \(other.config.hiddenSize) features for \(config.layerCount) layers of "
          + "\(config.hiddenSize).")
    }
    let output = mixed(batch, firstRowsOnly: !head.readsTokens, in: context)
    return answer(output, batch, rows: rows, in: context)
  }

  /// Whether a parameter belongs to the encoder's layers, and not to embeddings or head.
  package func isOfLayers(_ parameter: Parameter) -> Bool {
    parameter.name.hasPrefix(config.family.layerPrefix)
  }
}
