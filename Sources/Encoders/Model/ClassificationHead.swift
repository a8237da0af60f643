import Tensors

/// The two layers from the first row of a sequence to its logits: f(x W₁ᵀ + b₁) W₂ᵀ + b₂.
struct ClassificationHead {
  private let inner: LinearLayer
  private let outer: LinearLayer
  private let architecture: EncoderArchitecture
  private let dropoutRate: Float

  /// Asks for the head's parameters at the root of the names.
  init(_ scope: ParameterScope, config: EncoderConfig) {
    architecture = config.architecture
    let names = architecture.names
    func dense(_ name: String, _ outputs: Int) -> LinearLayer {
      LinearLayer(
        scope / name, inputs: config.hiddenSize, outputs: outputs, initializerRange: config.initializerRange)
    }
    inner = dense(names.headInner, config.hiddenSize)
    outer = dense(names.headOuter, config.labels.count)
    dropoutRate = config.headDropout
  }

  /// The output of the first layer [sequences, hidden], before dropout, and the logits [sequences, labels].
  func callAsFunction(_ first: Tensor, in context: Context) -> (pooled: Tensor, logits: Tensor) {
    let input =
      architecture.dropsHeadInput ? dropout(first, probability: dropoutRate, in: context) : first
    let pooled = inner(input, activation: architecture.headActivation, in: context)
    return (pooled, outer(dropout(pooled, probability: dropoutRate, in: context), in: context))
  }
}
