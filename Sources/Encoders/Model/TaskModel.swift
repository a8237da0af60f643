import Tensors
import Tokenization

/// An encoder with the head of a task, such as `BertForSequenceClassification` or `RobertaForQuestionAnswering`.
public final class TaskModel {
  /// Its shape, hyper-parameters, head and labels.
  public private(set) var config: EncoderConfig
  /// Every parameter, in checkpoint order.
  public let parameters: [Parameter]
  /// Where the parameters came from; nil for a model that was built fresh.
  public let loadReport: LoadReport?
  /// What the names of the head's parameters begin with where it stands on an encoder that others share.
  let headPrefix: String?
  let encoder: any Encoder
  private let layers: HeadLayers

  /// Gives the outputs other names, as many as there are.
  package func rename(labels: [String]) {
    precondition(
      labels.count == config.labels.count,
      "The \(config.labels.count) outputs of a model need as many names, found \(labels.count).")
    config.labels = labels
  }

  private enum HeadLayers {
    case sequence(ClassificationHead)
    case tokens(TokenHead)
    case words(MaskedLanguageHead)

    /// Asks for the parameters of a configuration's head.
    init(_ scope: ParameterScope, config: EncoderConfig, words: Parameter) {
      self =
        switch config.head {
        case .sequenceClassification: .sequence(ClassificationHead(scope, config: config))
        case .tokenClassification, .questionAnswering: .tokens(TokenHead(scope, config: config))
        case .maskedLanguageModel: .words(MaskedLanguageHead(scope, words: words, config: config))
        }
    }
  }

  /// A model with parameters from `store`.
  init(config: EncoderConfig, store: ParameterStore, isFresh: Bool) throws(ModelError) {
    self.config = config
    let scope = ParameterScope(store)
    let module = scope / config.architecture.names.encoder
    encoder =
      switch (config.architecture.recurrentCell, config.architecture) {
      case (let cell?, _): RecurrentEncoder(module, cell: cell, config: config)
      case (nil, .textcnn): ConvolutionalEncoder(module, config: config)
      default: BertEncoder(module, config: config)
      }
    layers = HeadLayers(scope, config: config, words: encoder.words)
    headPrefix = nil
    parameters = store.parameters
    loadReport = isFresh ? nil : try store.report()
  }

  /// A model with a head from `store` on the encoder of another.
  init(config: EncoderConfig, head store: ParameterStore, prefix: String, on base: TaskModel)
    throws(ModelError)
  {
    self.config = config
    encoder = base.encoder
    layers = HeadLayers(ParameterScope(store) / prefix, config: config, words: encoder.words)
    headPrefix = prefix
    parameters = base.encoderParameters + store.parameters
    loadReport = nil
    _ = try store.report()
  }

  /// A model with random initial values that depend on the seed and each parameter's name alone.
  ///
  /// - Throws: `ModelError.configuration` when the configuration cannot describe a model.
  public convenience init(config: EncoderConfig, seed: UInt64) throws(ModelError) {
    try config.check()
    try config.checkMemory(bytesPerParameter: 4)
    try self.init(config: config, store: ParameterStore(seed: seed), isFresh: true)
  }

  /// What stands on the encoder.
  public var head: TaskHead { config.head }

  /// Runs the model.
  ///
  /// - Parameters:
  ///   - batch: The packed sequences; ids below the vocabulary size, lengths 1 ... `config.maxPositions`.
  ///   - rows: The tokens whose logits are wanted, as rows of the batch in any order, such as a masked language model's
  ///     masked ones; nil wants every token's. Only for heads that read tokens.
  ///   - capture: What the caller wants to see besides the logits.
  ///   - intermediates: What else it wants to see, by the names of `EncoderConfig.intermediates`; what nobody asks for is
  ///     neither kept nor computed.
  ///   - context: The pass this is part of.
  public func callAsFunction(
    _ batch: TokenBatch, rows: [Int32]? = nil, capture: Capture = [], intermediates: [String] = [],
    in context: Context
  ) -> ModelOutput {
    guard !intermediates.isEmpty else {
      return run(batch, rows: rows, capture: capture, recorder: nil, in: context)
    }
    let recorder = IntermediateRecorder(intermediates)
    var output = run(batch, rows: rows, capture: capture, recorder: recorder, in: context)
    let names = config.architecture.names
    if let pooled = output.pooled, let pooler = names.poolerModule { recorder.keep(pooled, as: pooler) }
    recorder.keep(output.logits, as: names.logitsModule(of: head))
    for name in intermediates {
      precondition(
        recorder.values[name] != nil,
        "A \(config.architecture.rawValue) model with the head \(head.rawValue) has no intermediate named \(name)."
      )
    }
    output.intermediates = recorder.values
    return output
  }

  private func run(
    _ batch: TokenBatch, rows: [Int32]?, capture: Capture, recorder: IntermediateRecorder?,
    in context: Context
  ) -> ModelOutput {
    precondition(rows == nil || head.readsTokens, "A sequence head gives no logits for single rows.")
    let output = encoder(
      batch, firstRowsOnly: !head.readsTokens, capture: capture, recorder: recorder, in: context)
    return answer(output, batch, rows: rows, in: context)
  }

  /// What the head makes of an encoder's output.
  func answer(
    _ output: EncoderOutput, _ batch: TokenBatch, rows: [Int32]?, in context: Context
  ) -> ModelOutput {
    let last = output.lastHiddenState
    func wanted() -> Tensor { rows.map { last.rows(at: $0) } ?? last }
    switch layers {
    case .sequence(let head):
      let result = head(sequenceRows(of: output, batch, in: context), in: context)
      return ModelOutput(logits: result.logits, pooled: result.pooled, encoder: output)
    case .tokens(let head):
      let starts = rows.map { batch.starts(ofRows: $0) } ?? batch.starts
      return ModelOutput(logits: head(wanted(), starts: starts, in: context), pooled: nil, encoder: output)
    case .words(let head):
      return ModelOutput(logits: head(wanted(), in: context), pooled: nil, encoder: output)
    }
  }

  /// What a sequence head reads of each sequence, [sequences, features]: the first row where attention has gathered it, else
  /// the maximum over time, better than the last state of a recurrent encoder (Conneau and others 2017) and what
  /// convolutions need (Kim 2014).
  private func sequenceRows(of output: EncoderOutput, _ batch: TokenBatch, in context: Context) -> Tensor {
    let last = output.lastHiddenState
    guard config.architecture.isTransformer else {
      return last.sequenceMaximum(starts: batch.starts)
    }
    if output.holdsFirstRowsOnly { return last }
    return last.rows(at: Array(batch.starts.dropLast()))
  }

  /// The number of trainable and frozen values together.
  public var parameterCount: Int { parameters.reduce(0) { $0 + $1.count } }
}
