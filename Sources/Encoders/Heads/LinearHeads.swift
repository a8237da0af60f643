import ModelFormats
import Tensors
import Tokenization

/// A head of sequences in a family: one or two linear layers.
struct SequenceHeadForm: HeadForm {
  /// Rows that the head reads of each sequence.
  enum Reading {
    /// First row.
    case first
    /// The maximum over time, better than the last state of a recurrent encoder (Conneau and others 2017) and what
    /// convolutions need (Kim 2014).
    case maximum
  }

  /// The first layer, which a checkpoint of a pre-trained encoder may hold already; nil where there is none.
  let inner: String?
  /// The layer that gives the logits.
  let outer: String
  /// The nonlinearity between the two.
  let activation: Activation
  /// Whether dropout comes before the first layer too.
  var dropsInput = false
  var pooler: String?
  var reads = Reading.first

  var readsFirstRowsOnly: Bool { true }
  var modules: [String] { [inner, outer].compactMap(\.self) }
  var output: String { outer }
  var logits: String { "classifier" }

  func intermediates(_ config: EncoderConfig) -> [Intermediate] {
    [pooler.map { Intermediate($0, width: config.hiddenSize, .sequences) }].compactMap(\.self)
      + [Intermediate(logits, width: config.labels.count, .sequences)]
  }

  func cut(of name: String, _ config: EncoderConfig) -> Cut {
    Cut(
      rows: parentModule(of: name) == inner ? .features : nil,
      columns: name.hasSuffix(".weight") ? .features : nil)
  }

  func head(_ scope: ParameterScope, wordTable: WordTable, config: EncoderConfig) -> any Head {
    ClassificationHead(scope, form: self, config: config)
  }
}

/// The layers from the row that stands for a sequence to its logits: f(x W₁ᵀ + b₁) W₂ᵀ + b₂, where there is no
/// first layer the second alone.
struct ClassificationHead: Head {
  private let inner: LinearLayer?
  private let outer: LinearLayer
  private let form: SequenceHeadForm
  private let dropoutRate: Float

  /// A head with its parameters at the root of the names.
  init(_ scope: ParameterScope, form: SequenceHeadForm, config: EncoderConfig) {
    self.form = form
    func dense(_ name: String, _ inputs: Int, _ outputs: Int) -> LinearLayer {
      LinearLayer(
        scope / name, inputs: inputs, outputs: outputs, initializerRange: config.initializerRange)
    }
    inner = form.inner.map { dense($0, config.outputSize, config.hiddenSize) }
    outer = dense(form.outer, config.hiddenSize, config.labels.count)
    dropoutRate = config.headDropout
  }

  /// The output of the first layer [sequences, hidden], before dropout, and the logits [sequences, labels].
  func callAsFunction(_ row: Tensor, in context: Context) -> (pooled: Tensor, logits: Tensor) {
    // One row a sequence.
    let starts = Array(0...Int32(row.shape[0]))
    let input =
      form.dropsInput
      ? row.dropout(probability: dropoutRate, starts: starts, in: context) : row
    let pooled = inner?(input, activation: form.activation, in: context) ?? input
    return (
      pooled, outer(pooled.dropout(probability: dropoutRate, starts: starts, in: context), in: context)
    )
  }

  func answer(
    _ output: EncoderOutput, _ batch: TokenBatch, rows: [Int32]?, in context: Context
  ) -> ModelOutput {
    let result = self(sequenceRows(of: output, batch), in: context)
    return ModelOutput(logits: result.logits, pooled: result.pooled, encoder: output)
  }

  func addOutputs(_ states: GraphValue, _ tokens: GraphTokens, to graph: ONNXGraph) {
    let row =
      switch form.reads {
      case .first: tokens.first(states, in: graph)
      case .maximum: tokens.largest(states, in: graph)
      }
    let pooled = inner?(row, activation: form.activation, in: graph) ?? row
    graph.output("logits", outer(pooled, in: graph), [.batch, .fixed(outer.bias.count)])
  }

  /// Rows that the head reads, one a sequence, [sequences, features].
  private func sequenceRows(of output: EncoderOutput, _ batch: TokenBatch) -> Tensor {
    let last = output.lastHiddenState
    switch form.reads {
    case .maximum: return last.sequenceMaximum(starts: batch.starts)
    case .first where output.holdsFirstRowsOnly: return last
    case .first: return last.rows(at: Array(batch.starts.dropLast()))
    }
  }
}

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

  func head(_ scope: ParameterScope, wordTable: WordTable, config: EncoderConfig) -> any Head {
    TokenHead(scope, form: self, config: config)
  }
}

/// Head of one linear layer from a token's last hidden state to its logits.
struct TokenHead: Head {
  private let output: LinearLayer
  private let dropoutRate: Float
  private let columns: [String]?

  /// A head with its parameters at the root of the names.
  init(_ scope: ParameterScope, form: TokenHeadForm, config: EncoderConfig) {
    columns = config.head.columns
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

  func addOutputs(_ states: GraphValue, _ tokens: GraphTokens, to graph: ONNXGraph) {
    let logits = output(states, in: graph)
    guard let columns else {
      return graph.output("logits", logits, [.batch, .sequence, .fixed(output.bias.count)])
    }
    for (index, name) in columns.enumerated() {
      graph.output(
        name, graph.gather(logits, at: graph.integer(index), axis: 2), [.batch, .sequence])
    }
  }
}
