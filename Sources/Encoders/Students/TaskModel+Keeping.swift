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
    guard let own = encoder as? BertEncoder, let others = other.encoder as? BertEncoder else {
      preconditionFailure("Only layers of Transformers can take each other's place.")
    }
    precondition(
      blocks.count == own.layers.count && own.config.hiddenSize == others.config.hiddenSize,
      "\(own.layers.count) layers of \(own.config.hiddenSize) features need as many blocks, found \(blocks.count) of "
        + "\(others.config.hiddenSize) features.")
    let layers = zip(own.layers, blocks).flatMap { layer, block in block.map { others.layers[$0] } ?? [layer]
    }
    let output = own(
      batch, through: layers, firstRowsOnly: !head.readsTokens, capture: [], recorder: nil,
      in: context)
    return answer(output, batch, rows: rows, in: context)
  }

  /// Whether a parameter belongs to the encoder's layers, and not to embeddings or head.
  package func isOfLayers(_ parameter: Parameter) -> Bool {
    let names = config.architecture.names
    return parameter.name.hasPrefix(names.encoder + "." + names.layers + ".")
  }
}
