import Tensors
import Tokenization

/// What goes into an encoder's first layer: the sum of a token's word, position and segment rows, normalised, and
/// projected where the tables are narrower than the layers.
struct BertEmbeddings {
  let word: Parameter
  let position: Parameter
  let segment: Parameter?
  private let norm: LayerNormLayer
  private let projection: LinearLayer?
  private let config: EncoderConfig
  private let family: BertFamily

  /// Asks the encoder's scope for the parameters (`embeddings…`, in ELECTRA `embeddings_project…` too).
  init(_ scope: ParameterScope, config: EncoderConfig, family: BertFamily) {
    (self.config, self.family) = (config, family)
    let features = config.embeddingSize ?? config.hiddenSize
    func table(_ name: String, _ rows: Int) -> Parameter {
      (scope / "embeddings").parameter(
        name + ".weight", [rows, features], initial: .normal(standardDeviation: config.initializerRange))
    }
    word = table("word_embeddings", config.vocabularySize)
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

  /// One row a token, [tokens, hidden].
  func callAsFunction(_ batch: TokenBatch, in context: Context) -> Tensor {
    let sum = Tensor.embedding(
      word: word.tensor(in: context), position: position.tensor(in: context),
      segment: segment?.tensor(in: context), ids: batch.ids,
      positions: positions(of: batch),
      segments: family.readsSegments
        ? batch.segments : [Int32](repeating: 0, count: batch.tokenCount))
    let dropped = norm(sum, in: context).dropout(
      probability: config.hiddenDropout, starts: batch.starts, in: context)
    context.taps?.keep(dropped, as: "embeddings")
    guard let projection else { return dropped }
    let projected = projection(dropped, in: context)
    context.taps?.keep(projected, as: "embeddings_project")
    return projected
  }

  /// Each token's row in the position table.
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
