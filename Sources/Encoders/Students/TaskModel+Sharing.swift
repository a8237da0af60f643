import Kernels
import Tensors
import Tokenization

extension TaskModel {
  /// A model with this one's head, copied, on the encoder of another, which both then train as one.
  ///
  /// The head's parameters (BERT's pooler is one of them) get names of their own, so that several heads can be in one
  /// optimizer and one checkpoint; `save` writes them under the names that `transformers` reads.
  ///
  /// - Parameters:
  ///   - base: The model whose encoder is shared; only its encoder is used.
  ///   - prefix: What the names of the head's parameters begin with, such as `heads.0`.
  /// - Throws: `ModelError.misfit` when the head does not fit the encoder's width, `ModelError.configuration` when its family
  ///   has no such head.
  public func sharingEncoder(of base: TaskModel, headPrefix prefix: String) throws(ModelError) -> TaskModel {
    var config = base.config
    (config.head, config.labels, config.problemType) = (head, self.config.labels, self.config.problemType)
    try config.check(file: "the shared encoder")
    let store = ParameterStore(source: HeadCopy(of: self, prefix: prefix), seed: 0)
    return try TaskModel(config: config, head: store, prefix: prefix, on: base)
  }

  /// The parameters below the head.
  var encoderParameters: [Parameter] {
    let form = config.headForm
    return parameters.filter { headPrefix == nil ? !form.owns($0.name) : !isInHead($0) }
  }

  /// The name of a parameter in a checkpoint.
  func storedName(of parameter: Parameter) -> String {
    isInHead(parameter) ? String(parameter.name.dropFirst((headPrefix ?? "").count + 1)) : parameter.name
  }

  private func isInHead(_ parameter: Parameter) -> Bool {
    headPrefix.map { parameter.name.hasPrefix($0 + ".") } ?? false
  }
}

/// A model's head under the names it has on another encoder.
private struct HeadCopy: ParameterSource {
  let path = "the head"
  private let parameters: [String: Parameter]

  init(of model: TaskModel, prefix: String) {
    let shared = Set(model.encoderParameters.map(ObjectIdentifier.init))
    parameters = Dictionary(
      uniqueKeysWithValues: model.parameters.filter { !shared.contains(ObjectIdentifier($0)) }
        .map { (prefix + "." + model.storedName(of: $0), $0) })
  }

  var names: [String] { Array(parameters.keys) }

  func shape(of name: String) -> Shape? { parameters[name]?.shape }

  func tensor(_ name: String) throws(ModelError) -> Tensor {
    guard let parameter = parameters[name] else {
      preconditionFailure("tensor(_:) is only asked for names that shape(of:) knows, not \(name).")
    }
    return Tensor(storage: parameter.storage.copy(), shape: parameter.shape)
  }
}

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
    let output = mixed(batch, firstRowsOnly: config.headForm.readsFirstRowsOnly, in: context)
    return answer(output, batch, rows: rows, in: context)
  }

  /// Whether a parameter belongs to the encoder's layers, and not to embeddings or head.
  package func isOfLayers(_ parameter: Parameter) -> Bool {
    parameter.name.hasPrefix(config.family.layerPrefix)
  }
}
