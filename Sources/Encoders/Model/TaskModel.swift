public import ModelFormats
import Tensors
import Tokenization

/// An encoder with the head of a task, such as `BertForSequenceClassification` or `RobertaForQuestionAnswering`.
public final class TaskModel {
  /// Shape, hyper-parameters, head and labels.
  public private(set) var config: EncoderConfig
  /// Parameters in checkpoint order.
  public let parameters: [Parameter]
  /// Report of where the parameters came from; nil for a model that was built fresh.
  public let loadReport: LoadReport?
  /// Prefix of the names of the head's parameters where it stands on an encoder that others share.
  let headPrefix: String?
  let encoder: any Encoder
  let layers: any Head
  /// Type of the floats in the model's files: that of the files it was loaded from, and the one that it is saved in.
  public package(set) var saveDType = SaveDType.float32

  /// Gives the outputs other names, as many as there are.
  package func rename(labels: [String]) {
    precondition(
      labels.count == config.labels.count,
      "The \(config.labels.count) outputs of a model need as many names, found \(labels.count).")
    config.labels = labels
  }

  /// A model with parameters from `store`.
  init(config: EncoderConfig, store: ParameterStore, isFresh: Bool) throws(ModelError) {
    self.config = config
    let scope = ParameterScope(store, ranks: config.lowRank)
    encoder = config.family.encoder(scope / config.family.module, config: config)
    layers = config.headForm.head(scope, wordTable: encoder.wordTable, config: config)
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
    layers = config.headForm.head(
      ParameterScope(store) / prefix, wordTable: encoder.wordTable, config: config)
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

  /// Head on the encoder.
  public var head: TaskHead { config.head }

  /// Runs the model.
  ///
  /// - Parameters:
  ///   - batch: The packed sequences; ids below the vocabulary size, lengths 1 ... `config.maxPositions`.
  ///   - rows: The tokens whose logits are wanted, as rows of the batch in any order, such as a masked language model's
  ///     masked ones; nil wants every token's. Only for heads that read tokens.
  ///   - names: Inner values and attention maps that are wanted besides the logits, by the names of
  ///     `EncoderConfig.intermediates`, `hiddenStateNames` and `attentionNames(inLayer:)`; what nobody asks for is neither
  ///     kept nor computed.
  ///   - context: The pass this is part of; its taps keep what they want besides.
  public func callAsFunction(
    _ batch: TokenBatch, rows: [Int32]? = nil, taps names: [String] = [], in context: Context
  ) -> ModelOutput {
    guard !names.isEmpty else { return run(batch, rows: rows, in: context) }
    let outer = context.taps
    let taps = Taps(names + Array(outer?.names ?? []))
    context.taps = taps
    defer { context.taps = outer }
    var output = run(batch, rows: rows, in: context)
    outer?.keep(taps)
    for name in names {
      precondition(
        taps.values[name] != nil || taps.maps[name] != nil,
        "A \(config.architecture.rawValue) model with the head \(head.rawValue) has no value named \(name)."
      )
    }
    output.values = taps.values.filter { names.contains($0.key) }
    output.maps = taps.maps.filter { names.contains($0.key) }
    return output
  }

  private func run(_ batch: TokenBatch, rows: [Int32]?, in context: Context) -> ModelOutput {
    precondition(rows == nil || head.readsTokens, "A sequence head gives no logits for single rows.")
    let output = encoder(batch, firstRowsOnly: config.headForm.readsFirstRowsOnly, in: context)
    return answer(output, batch, rows: rows, in: context)
  }

  /// Runs the encoder without the head, for the values that the context's taps keep.
  package func runEncoder(_ batch: TokenBatch, in context: Context) {
    _ = encoder(batch, firstRowsOnly: config.headForm.readsFirstRowsOnly, in: context)
  }

  /// Answer of the head to an encoder's output.
  func answer(
    _ output: EncoderOutput, _ batch: TokenBatch, rows: [Int32]?, in context: Context
  ) -> ModelOutput {
    let result = layers.answer(output, batch, rows: rows, in: context)
    if let taps = context.taps {
      let form = config.headForm
      if let pooled = result.pooled, let pooler = form.pooler { taps.keep(pooled, as: pooler) }
      taps.keep(result.logits, as: form.logits)
    }
    return result
  }

  /// The number of trainable and frozen values together.
  public var parameterCount: Int { parameters.reduce(0) { $0 + $1.count } }
}

extension TaskModel {
  /// Graph of the model for other programs, over sequences of one length with padding on the right.
  ///
  /// Inputs are `input_ids`, `attention_mask` and, where the family tells segments apart, `token_type_ids`, Int64,
  /// [batch_size, sequence_length]. Outputs are those that the model's class has in `transformers`, such as `logits`; of a
  /// model without a trained head it is `last_hidden_state`, [batch_size, sequence_length, features]. Rows of padding hold
  /// values without a meaning. Weights of 8-bit integers stay integers.
  ///
  /// - Parameter isBare: Whether the last hidden states are the output alone; nil leaves them out where the head was trained.
  package func graph(startsWithFreshHead isBare: Bool? = nil) -> ONNXGraph {
    let graph = ONNXGraph()
    let tokens = GraphTokens(
      of: graph, hasSegments: config.family.readsSegments && config.segmentCount > 0)
    let states = encoder(tokens, in: graph)
    if isBare ?? startsWithFreshHead {
      graph.output("last_hidden_state", states, [.batch, .sequence, .fixed(config.outputSize)])
    } else {
      layers.addOutputs(states, tokens, to: graph)
    }
    return graph
  }

  /// The `config.json` of what the graph computes: that of the bare encoder where the model has no trained head.
  package var graphConfig: JSONObject {
    var object = config.json.objectValue ?? JSONObject()
    // Its products stand in the graph.
    object[EncoderConfig.lowRankKey] = nil
    if startsWithFreshHead { object["architectures"] = [.string(config.family.className + "Model")] }
    return object
  }
}

extension TaskModel {
  /// The trained values of the word table whose gradients and optimizer states take no memory, since no text has their tokens.
  ///
  /// Memory comes in pages of 4,096 bytes, so that a row that is used takes up to one more. A head that predicts words uses every
  /// row.
  ///
  /// - Parameter texts: The ids of every text that is read.
  package func idleWordValues(readingAll texts: some Sequence<[Int32]>) -> Int {
    let table = encoder.wordTable.weight.parameters.first {
      $0.shape.dimensions.first == config.vocabularySize
    }
    guard head != .maskedLanguageModel, let table, table.isTrainable else { return 0 }
    var isUsed = [Bool](repeating: false, count: config.vocabularySize)
    for ids in texts { for id in ids where isUsed.indices.contains(Int(id)) { isUsed[Int(id)] = true } }
    return Self.idleValues(used: isUsed.count { $0 }, of: isUsed.count, width: table.count / isUsed.count)
  }

  /// The values of a table that are on no page of a row that is used.
  package static func idleValues(used: Int, of rows: Int, width: Int) -> Int {
    max(0, rows * width - used * (width + 1024))
  }
}
