import Tensors

/// One linear layer from a token's last hidden state to its logits: `classifier`, or `qa_outputs` of question answering.
struct TokenHead {
  private let output: LinearLayer
  private let dropoutRate: Float

  /// Asks for the head's parameters at the root of the names.
  init(_ scope: ParameterScope, config: EncoderConfig) {
    output = LinearLayer(
      scope / config.architecture.names.output(of: config.head), inputs: config.outputSize,
      outputs: config.labels.count, initializerRange: config.initializerRange)
    dropoutRate = config.headDropout
  }

  /// The logits [rows, labels] of rows of the last hidden state; `starts` says which are of which sequence.
  func callAsFunction(_ rows: Tensor, starts: [Int32], in context: Context) -> Tensor {
    output(rows.dropout(probability: dropoutRate, starts: starts, in: context), in: context)
  }
}
