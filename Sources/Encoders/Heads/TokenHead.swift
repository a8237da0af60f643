import Tensors
import Tokenization

/// A head of tokens in a family: one linear layer, `classifier` or `qa_outputs` of question answering.
struct TokenHeadForm: HeadForm {
  let output: String
  /// Dropout before the layer.
  let dropout: @Sendable (EncoderConfig) -> Float

  var modules: [String] { [output] }
  var logits: String { output }

  func intermediates(_ config: EncoderConfig) -> [Intermediate] {
    [Intermediate(logits, width: config.labels.count, .answers)]
  }

  func cut(of name: String, _ config: EncoderConfig) -> Cut {
    Cut(columns: name.hasSuffix(".weight") ? .features : nil)
  }

  func head(_ scope: ParameterScope, words: Parameter, config: EncoderConfig) -> any Head {
    TokenHead(scope, form: self, config: config)
  }
}

/// One linear layer from a token's last hidden state to its logits.
struct TokenHead: Head {
  private let output: LinearLayer
  private let dropoutRate: Float

  /// Asks for the head's parameters at the root of the names.
  init(_ scope: ParameterScope, form: TokenHeadForm, config: EncoderConfig) {
    output = LinearLayer(
      scope / form.output, inputs: config.outputSize,
      outputs: config.labels.count, initializerRange: config.initializerRange)
    dropoutRate = form.dropout(config)
  }

  /// The logits [rows, labels] of rows of the last hidden state; `starts` says which are of which sequence.
  func callAsFunction(_ rows: Tensor, starts: [Int32], in context: Context) -> Tensor {
    output(rows.dropout(probability: dropoutRate, starts: starts, in: context), in: context)
  }

  func answer(
    _ output: EncoderOutput, _ batch: TokenBatch, rows: [Int32]?, in context: Context
  ) -> ModelOutput {
    let starts = rows.map { batch.starts(ofRows: $0) } ?? batch.starts
    let logits = self(output.rows(rows), starts: starts, in: context)
    return ModelOutput(logits: logits, pooled: nil, encoder: output)
  }
}
