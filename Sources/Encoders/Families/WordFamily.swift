import Tensors
import Tokenization

/// A family of encoders over word embeddings, without positions and segments.
///
/// Its heads of sequences read the maximum over time; it has none for masked words.
protocol WordFamily: EncoderFamily {}

extension WordFamily {
  var module: String { modelType }
  var isOfTransformers: Bool { false }

  func expects(_ tokenizer: any Tokenizer) -> Bool {
    switch tokenizer.wordSign {
    case .continuation: true
    case .beginning(_, let spellsBytes): !spellsBytes
    }
  }

  func inputSize(_ config: EncoderConfig) -> Int { config.embeddingSize ?? config.hiddenSize }

  func intermediates(_ config: EncoderConfig) -> [Intermediate] {
    [Intermediate("embeddings", width: inputSize(config))]
      + (0..<config.layerCount).map { Intermediate(layerName($0), width: outputSize(config)) }
  }

  var copiesLayers: Bool { false }

  func freshConfig(like teacher: EncoderConfig) -> EncoderConfig { .defaults(of: .bert) }

  /// The defaults of a family with one layer.
  func defaults(hiddenSize: Int) -> EncoderConfig {
    var config = EncoderConfig(
      vocabularySize: 30522, hiddenSize: hiddenSize, layerCount: 1, attentionHeads: 0, intermediateSize: 0)
    config.architecture = EncoderArchitecture(self)
    (config.segmentCount, config.attentionDropout) = (0, 0)
    return config
  }

  /// The fields of a configuration, those of the family's own behind the sizes.
  func fields(_ own: [ConfigField] = []) -> [ConfigField] {
    [
      .size("vocab_size", \.vocabularySize), .embeddingSize, .size("hidden_size", \.hiddenSize),
      .size("num_hidden_layers", \.layerCount),
    ] + own + [
      .number("hidden_dropout_prob", \.hiddenDropout), .headDropout("classifier_dropout"),
      .positions("max_position_embeddings", \.maxPositions),
      .number("initializer_range", \.initializerRange),
    ]
  }

  /// The parameters of word table and layers, given those of one layer.
  func parameterEstimate(_ config: EncoderConfig, layer: Double) -> Double {
    let (features, hidden) = (Double(config.embeddingSize ?? config.hiddenSize), Double(config.hiddenSize))
    return Double(config.vocabularySize) * features + features * hidden + Double(config.layerCount) * layer
  }

  /// The forms of its heads, given that of sequences.
  func forms(sequence: SequenceHeadForm) -> [TaskHead: any HeadForm] {
    [
      .sequenceClassification: sequence,
      .tokenClassification: TokenHeadForm(output: "classifier") { $0.headDropout },
      .questionAnswering: TokenHeadForm(output: "qa_outputs") { $0.answerDropout },
    ]
  }
}

extension Encoder {
  /// The output of layers over the words' embeddings, one after the other, with dropout before each as in `nn.GRU`.
  func stack(
    _ batch: TokenBatch, layers: [(Tensor) -> Tensor], of family: some EncoderFamily, dropoutRate: Float,
    in context: Context
  ) -> EncoderOutput {
    let table = wordTable.table(in: context)
    let words = table.dense?.embedding(ids: batch.ids) ?? .embedding(sumOf: [(table, batch.ids)])
    var x = words.dropout(probability: dropoutRate, starts: batch.starts, in: context)
    context.taps?.keep(x, as: "embeddings")
    for (index, layer) in layers.enumerated() {
      x = layer(index == 0 ? x : x.dropout(probability: dropoutRate, starts: batch.starts, in: context))
      context.taps?.keep(x, as: family.layerName(index))
    }
    return EncoderOutput(lastHiddenState: x, holdsFirstRowsOnly: false)
  }
}

/// The word table of an encoder without positions and segments; fresh values have `nn.Embedding`'s distribution N(0, 1).
func makeWordTable(_ scope: ParameterScope, config: EncoderConfig) -> WordTable {
  WordTable(
    scope.beforeLayers(of: config.layerCount) / "embeddings" / "word_embeddings",
    rows: config.vocabularySize, features: config.inputSize, deviation: 1)
}
