import Tensors
import Tokenization

/// An encoder with its classification head, such as `BertForSequenceClassification`.
public final class TaskModel {
  /// Its shape, hyper-parameters and labels.
  public let config: EncoderConfig
  /// Every parameter, in checkpoint order.
  public let parameters: [Parameter]
  /// Where the parameters came from; nil for a model that was built fresh.
  public let loadReport: LoadReport?
  private let encoder: BertEncoder
  private let head: ClassificationHead

  /// A model with parameters from `store`.
  init(config: EncoderConfig, store: ParameterStore, isFresh: Bool) throws(ModelError) {
    self.config = config
    let scope = ParameterScope(store)
    encoder = BertEncoder(scope / config.architecture.names.encoder, config: config)
    head = ClassificationHead(scope, config: config)
    parameters = store.parameters
    loadReport = isFresh ? nil : try store.report()
  }

  /// A model with random initial values that depend on the seed and each parameter's name alone.
  ///
  /// - Throws: `ModelError.configuration` when the configuration cannot describe a classifier.
  public convenience init(config: EncoderConfig, seed: UInt64) throws(ModelError) {
    try config.check()
    try self.init(config: config, store: ParameterStore(seed: seed), isFresh: true)
  }

  /// Runs the model.
  ///
  /// - Parameters:
  ///   - batch: The packed sequences; ids below the vocabulary size, lengths 1 ... `config.maxPositions`.
  ///   - capture: What the caller wants to see besides the logits.
  ///   - context: The pass this is part of.
  public func callAsFunction(_ batch: TokenBatch, capture: Capture = [], in context: Context) -> ModelOutput {
    let output = encoder(batch, firstRowsOnly: true, capture: capture, in: context)
    let first =
      output.holdsFirstRowsOnly
      ? output.lastHiddenState
      : gatherRows(output.lastHiddenState, rows: Array(batch.starts.dropLast()), in: context)
    let result = head(first, in: context)
    return ModelOutput(logits: result.logits, pooled: result.pooled, encoder: output)
  }

  /// The number of trainable and frozen values together.
  public var parameterCount: Int { parameters.reduce(0) { $0 + $1.count } }
}
