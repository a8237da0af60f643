import Tensors

/// The layers from the row that stands for a sequence to its logits: f(x W₁ᵀ + b₁) W₂ᵀ + b₂, in a convolutional encoder the
/// second alone.
struct ClassificationHead {
  private let inner: LinearLayer?
  private let outer: LinearLayer
  private let architecture: EncoderArchitecture
  private let dropoutRate: Float

  /// Asks for the head's parameters at the root of the names.
  init(_ scope: ParameterScope, config: EncoderConfig) {
    architecture = config.architecture
    let names = architecture.names
    func dense(_ name: String, _ inputs: Int, _ outputs: Int) -> LinearLayer {
      LinearLayer(scope / name, inputs: inputs, outputs: outputs, initializerRange: config.initializerRange)
    }
    inner =
      architecture == .textcnn ? nil : dense(names.headInner, config.outputSize, config.hiddenSize)
    outer = dense(names.headOuter, config.hiddenSize, config.labels.count)
    dropoutRate = config.headDropout
  }

  /// The output of the first layer [sequences, hidden], before dropout, and the logits [sequences, labels].
  func callAsFunction(_ row: Tensor, in context: Context) -> (pooled: Tensor, logits: Tensor) {
    // One row a sequence.
    let starts = Array(0...Int32(row.shape[0]))
    let input =
      architecture.dropsHeadInput
      ? row.dropout(probability: dropoutRate, starts: starts, in: context) : row
    let pooled = inner?(input, activation: architecture.headActivation, in: context) ?? input
    return (
      pooled, outer(pooled.dropout(probability: dropoutRate, starts: starts, in: context), in: context)
    )
  }
}
