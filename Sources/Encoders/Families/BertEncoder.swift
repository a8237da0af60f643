import Tensors
import Tokenization

/// An encoder of BERT's shape over packed rows: embeddings and a stack of layers.
struct BertEncoder: Encoder {
  /// Its shape and hyper-parameters.
  let config: EncoderConfig
  /// The word table, [vocabulary, features].
  var words: Parameter { embeddings.word }
  let family: BertFamily
  let embeddings: BertEmbeddings
  let layers: [BertLayer]

  /// Asks `scope` for the encoder's parameters (in BERT `embeddings…`, `encoder.layer.0…`).
  init(_ scope: ParameterScope, config: EncoderConfig, family: BertFamily) {
    (self.config, self.family) = (config, family)
    embeddings = BertEmbeddings(scope.beforeLayers(of: config.layerCount), config: config, family: family)
    let list = scope / family.layers
    layers = (0..<config.layerCount).map {
      BertLayer(
        (list / $0).inLayer($0, of: config.layerCount), name: family.layerName($0), config: config,
        family: family)
    }
  }

  /// The encoder with other layers.
  private init(_ encoder: BertEncoder, layers: [BertLayer]) {
    (config, family) = (encoder.config, encoder.family)
    (embeddings, self.layers) = (encoder.embeddings, layers)
  }

  func callAsFunction(_ batch: TokenBatch, firstRowsOnly: Bool, in context: Context) -> EncoderOutput {
    let trimsLast = firstRowsOnly && !(layers.last?.wantsEveryRow(in: context) ?? false)
    var x = embeddings(batch, in: context)
    for (index, layer) in layers.enumerated() {
      let isLast = index == layers.count - 1
      x = layer(x, starts: batch.starts, firstRowsOnly: isLast && trimsLast, in: context)
    }
    return EncoderOutput(lastHiddenState: x, holdsFirstRowsOnly: trimsLast)
  }

  /// Takes layers of another encoder of its width.
  func keeping(_ blocks: [Range<Int>?], of other: any Encoder) -> (any Encoder)? {
    guard let other = other as? BertEncoder, blocks.count == layers.count,
      config.hiddenSize == other.config.hiddenSize
    else { return nil }
    return BertEncoder(
      self, layers: zip(layers, blocks).flatMap { layer, block in block.map { other.layers[$0] } ?? [layer] })
  }

  func factorised(columns size: Int) -> FactorisedEmbeddings? {
    family.canBeFactorised ? FactorisedEmbeddings(of: self, size: size) : nil
  }
}
