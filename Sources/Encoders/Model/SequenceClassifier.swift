import Tensors
import Tokenization

/// BERT with a pooler and a linear classification head: `BertForSequenceClassification`.
public final class SequenceClassifier {
  /// Its shape, hyper-parameters and labels.
  public let config: EncoderConfig
  /// Every parameter, in checkpoint order.
  public let parameters: [Parameter]
  /// Where the parameters came from; nil for a model that was built fresh.
  public let loadReport: LoadReport?
  private let encoder: BertEncoder
  private let pooler: LinearLayer
  private let classifier: LinearLayer

  /// A model with parameters from `store`.
  init(config: EncoderConfig, store: ParameterStore, isFresh: Bool) throws(ModelError) {
    self.config = config
    let scope = ParameterScope(store)
    encoder = BertEncoder(scope / "bert", config: config)
    func dense(_ scope: ParameterScope, _ outputs: Int) -> LinearLayer {
      LinearLayer(
        scope, inputs: config.hiddenSize, outputs: outputs, initializerRange: config.initializerRange)
    }
    pooler = dense(scope / "bert" / "pooler" / "dense", config.hiddenSize)
    classifier = dense(scope / "classifier", config.labels.count)
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
    let pooled = pooler(first, activation: .tanh, in: context)
    let dropped = dropout(pooled, probability: config.classifierDropout ?? config.hiddenDropout, in: context)
    return ModelOutput(logits: classifier(dropped, in: context), pooled: pooled, encoder: output)
  }

  /// The number of trainable and frozen values together.
  public var parameterCount: Int { parameters.reduce(0) { $0 + $1.count } }
}
