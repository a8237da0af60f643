import ModelFormats
import Tensors
import Tokenization

/// An encoder of BERT's shape over packed rows: embeddings and a stack of layers.
struct BertEncoder: Encoder {
  /// Shape and hyper-parameters.
  let config: EncoderConfig
  /// The word table, [vocabulary, features].
  var wordTable: WordTable { embeddings.word }
  let family: BertFamily
  let embeddings: BertEmbeddings
  let layers: [BertLayer]

  /// An encoder with its parameters from `scope` (in BERT `embeddings…`, `encoder.layer.0…`).
  init(_ scope: ParameterScope, config: EncoderConfig, family: BertFamily) {
    (self.config, self.family) = (config, family)
    embeddings = BertEmbeddings(scope.beforeLayers(of: config.layerCount), config: config, family: family)
    let list = scope / family.layers
    layers = (0..<config.layerCount).map {
      BertLayer(
        (list / $0).inLayer($0, of: config.layerCount), number: $0, config: config, family: family)
    }
  }

  /// The encoder with other layers.
  private init(_ encoder: BertEncoder, layers: [BertLayer]) {
    (config, family) = (encoder.config, encoder.family)
    (embeddings, self.layers) = (encoder.embeddings, layers)
  }

  func callAsFunction(_ batch: TokenBatch, firstRowsOnly: Bool, in context: Context) -> EncoderOutput {
    let closed = context.closed?.layers ?? []
    let last = layers.indices.last { !closed.contains($0) } ?? layers.count
    let trimsLast =
      firstRowsOnly && last < layers.count && !layers[last...].contains { $0.wantsEveryRow(in: context) }
    var x = embeddings(batch, in: context)
    for (index, layer) in layers.enumerated() {
      if closed.contains(index) {
        layer.pass(x, in: context)
      } else {
        x = context.recomputing(x) { x, context in
          layer(x, starts: batch.starts, firstRowsOnly: index == last && trimsLast, in: context)
        }
      }
    }
    return EncoderOutput(lastHiddenState: x, holdsFirstRowsOnly: trimsLast)
  }

  func callAsFunction(_ tokens: GraphTokens, in graph: ONNXGraph) -> GraphValue {
    let bias = tokens.attentionBias(in: graph)
    return layers.reduce(embeddings(tokens, in: graph)) { x, layer in layer(x, bias: bias, in: graph) }
  }

  /// This encoder with layers of another of its width.
  func keeping(_ blocks: [Range<Int>?], of other: any Encoder) -> (any Encoder)? {
    guard let other = other as? BertEncoder, blocks.count == layers.count,
      config.hiddenSize == other.config.hiddenSize
    else { return nil }
    return BertEncoder(
      self, layers: zip(layers, blocks).flatMap { layer, block in block.map { other.layers[$0] } ?? [layer] })
  }

  var tables: EmbeddingTables? {
    guard family.canBeFactorised, case .whole(let word) = embeddings.word.weight else { return nil }
    return EmbeddingTables(
      word: word, position: embeddings.position, segment: embeddings.segment
    ) { [embeddings] in embeddings($0, in: .inference) }
  }
}

/// Embeddings that go into an encoder's first layer: the sum of a token's word, position and segment rows, normalised, and
/// projected where the tables are narrower than the layers.
struct BertEmbeddings {
  let word: WordTable
  let position: Parameter
  let segment: Parameter?
  private let norm: LayerNormLayer
  private let projection: LinearLayer?
  private let config: EncoderConfig
  private let family: BertFamily

  /// Embeddings with their parameters from the encoder's scope (`embeddings…`, in ELECTRA `embeddings_project…` too).
  init(_ scope: ParameterScope, config: EncoderConfig, family: BertFamily) {
    (self.config, self.family) = (config, family)
    let features = config.embeddingSize ?? config.hiddenSize
    func table(_ name: String, _ rows: Int) -> Parameter {
      (scope / "embeddings").parameter(
        name + ".weight", [rows, features], initial: .normal(standardDeviation: config.initializerRange))
    }
    word = WordTable(
      scope / "embeddings" / "word_embeddings", rows: config.vocabularySize, features: features,
      deviation: config.initializerRange)
    position = table("position_embeddings", family.positionOffset(config) + config.maxPositions)
    segment = config.segmentCount > 0 ? table("token_type_embeddings", config.segmentCount) : nil
    norm = LayerNormLayer(
      scope / "embeddings" / "LayerNorm", features: features, epsilon: config.layerNormEpsilon)
    projection =
      features == config.hiddenSize
      ? nil
      : LinearLayer(
        scope / "embeddings_project", inputs: features, outputs: config.hiddenSize,
        initializerRange: config.initializerRange)
  }

  /// Rows of a batch, one a token, [tokens, hidden].
  func callAsFunction(_ batch: TokenBatch, in context: Context) -> Tensor {
    let dropped = norm(sum(batch, in: context), in: context).dropout(
      probability: config.hiddenDropout, starts: batch.starts, in: context)
    context.taps?.keep(dropped, as: "embeddings")
    guard let projection else { return dropped }
    let projected = projection(dropped, in: context)
    context.taps?.keep(projected, as: "embeddings_project")
    return projected
  }

  /// The sum of a token's rows, [tokens, features].
  private func sum(_ batch: TokenBatch, in context: Context) -> Tensor {
    let positions = positions(of: batch)
    let segments =
      family.readsSegments ? batch.segments : [Int32](repeating: 0, count: batch.tokenCount)
    let tables = (word.table(in: context), position.table(in: context), segment?.table(in: context))
    if let word = tables.0.dense, let position = tables.1.dense, tables.2 == nil || tables.2?.dense != nil {
      return Tensor.embedding(
        word: word, position: position, segment: tables.2?.dense, ids: batch.ids, positions: positions,
        segments: segments)
    }
    let segment = tables.2.map { [(table: $0, rows: segments)] } ?? []
    return Tensor.embedding(sumOf: [(tables.0, batch.ids), (tables.1, positions)] + segment)
  }

  /// Rows of the tokens of a graph, [batch, sequence, hidden].
  func callAsFunction(_ tokens: GraphTokens, in graph: ONNXGraph) -> GraphValue {
    var sum = word.rows(of: tokens.ids, in: graph)
    if let segment {
      let row = tokens.segments ?? graph.integer(0)
      sum = graph.add(sum, graph.rows(of: segment, at: row))
    }
    sum = graph.add(sum, graph.rows(of: position, at: positions(of: tokens, in: graph)))
    let rows = norm(sum, in: graph)
    return projection?(rows, in: graph) ?? rows
  }

  /// Rows of the tokens in the position table, as below; padding behind a text is like such a token.
  private func positions(of tokens: GraphTokens, in graph: ONNXGraph) -> GraphValue {
    guard family.skipsPaddingPosition else { return graph.indices(ofAxis: 1, of: tokens.ids) }
    let padding = graph.integer(config.padTokenID)
    let counts = graph.cast(graph.not(graph.equal(tokens.ids, padding)), to: .int64)
    return graph.add(graph.multiply(graph.runningSum(counts, axis: 1), counts), padding)
  }

  /// Rows of the tokens in the position table.
  ///
  /// RoBERTa counts the tokens that are not padding, from behind the row of padding, which a padding token written into
  /// a text takes itself.
  private func positions(of batch: TokenBatch) -> [Int32] {
    guard family.skipsPaddingPosition else { return batch.positions }
    let padding = Int32(config.padTokenID)
    var positions: [Int32] = []
    positions.reserveCapacity(batch.tokenCount)
    for sequence in 0..<batch.count {
      var next = Int32(family.positionOffset(config))
      for id in batch.ids[batch.rows(of: sequence)] {
        positions.append(id == padding ? padding : next)
        if id != padding { next += 1 }
      }
    }
    return positions
  }
}
