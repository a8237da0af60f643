import Kernels
import Tensors

extension TaskModel {
  /// This model without the blocks of zeros that pruning has left in its matrices, 32 outputs by one input each: for inference.
  ///
  /// Products skip what is not there. A matrix of which fewer than a tenth of the blocks are zero stays as it is. Saved, it is dense
  /// again, with its zeros.
  ///
  /// - Returns: A model of its own; this one keeps its values.
  /// - Throws: `ModelError.request` when no matrix has blocks of zeros enough, or the weights are 8-bit integers.
  public func withoutZeroBlocks() throws(ModelError) -> TaskModel {
    guard !isQuantized else { throw .request("the model's weights are 8-bit integers, which have no blocks") }
    let matrices = parameters.filter {
      $0.shape.rank == 2 && isOfLayers($0) && $0.name.hasSuffix(".weight")
    }
    var blocks: [String: BlockMatrix] = [:]
    for parameter in matrices {
      let matrix = BlockMatrix(parameter.storage, rows: parameter.shape[0], columns: parameter.shape[1])
      if matrix.density <= 0.9 { blocks[storedName(of: parameter)] = matrix }
    }
    guard !blocks.isEmpty else {
      throw .request(
        "no matrix of the model has blocks of zeros, \(BlockMatrix.blockRows) outputs by one input; prune it with such blocks "
          + "(WeightPruning)")
    }
    let source = BlockCopy(of: self, blocks: blocks)
    let model = try TaskModel(config: config, store: ParameterStore(source: source, seed: 0), isFresh: false)
    model.saveDType = saveDType
    return model
  }
}

/// A model's parameters, copied, and some of its matrices without their blocks of zeros.
private struct BlockCopy: BlockSource {
  let path = "the dense model"
  private let parameters: [String: Parameter]
  private let blocks: [String: BlockMatrix]

  init(of model: TaskModel, blocks: [String: BlockMatrix]) {
    self.blocks = blocks
    parameters = Dictionary(uniqueKeysWithValues: model.parameters.map { (model.storedName(of: $0), $0) })
  }

  var names: [String] { Array(parameters.keys) }

  func shape(of name: String) -> Shape? { parameters[name]?.shape }

  func blocks(_ name: String) -> BlockMatrix? { blocks[name] }

  func tensor(_ name: String) throws(ModelError) -> Tensor {
    guard let parameter = parameters[name] else {
      preconditionFailure("tensor(_:) is only asked for names that shape(of:) knows, not \(name).")
    }
    return Tensor(storage: parameter.storage.copy(), shape: parameter.shape)
  }
}
