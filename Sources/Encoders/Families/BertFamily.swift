import Tensors
import Tokenization

/// The post-norm Transformer of BERT and its relatives, which differ in names, embeddings and heads.
struct BertFamily: EncoderFamily {
  let modelType: String
  let className: String
  let module: String
  var layers = "encoder.layer"
  /// The names of a layer's parts.
  var layerNames = BertLayerNames()
  let fields: [ConfigField]
  var readsSegments = false
  /// Whether the tokens that it reads, which begin words with a sign for the space, spell bytes; nil where tokens that go on
  /// with a word have the sign.
  var readsBytes: Bool?
  /// Whether positions count from behind the padding token's row.
  var skipsPaddingPosition = false
  /// Whether dropout comes behind attention.
  var dropsAttentionOutput = true
  var freshSegmentCount = 0
  /// Whether its embeddings can be factorised, which makes it an ELECTRA.
  var canBeFactorised = false
  /// The head of sequences.
  let sequence: SequenceHeadForm
  /// Dropout before the head of tokens.
  var tokenDropout: @Sendable (EncoderConfig) -> Float = { $0.headDropout }
  /// The head of masked words.
  let masked: MaskedHeadForm
  /// Changes to BERT's defaults.
  var ownDefaults: @Sendable (inout EncoderConfig) -> Void = { _ in }

  var defaults: EncoderConfig {
    var config = EncoderConfig(
      vocabularySize: 30522, hiddenSize: 768, layerCount: 12, attentionHeads: 12, intermediateSize: 3072)
    config.architecture = EncoderArchitecture(self)
    ownDefaults(&config)
    return config
  }

  private var hasSegments: Bool { freshSegmentCount > 0 }

  func check(_ config: EncoderConfig, _ faults: inout ConfigFaults) {
    if skipsPaddingPosition {
      faults.require(
        (0..<config.vocabularySize).contains(config.padTokenID), "pad_token_id",
        "found \(config.padTokenID), expected one of the \(config.vocabularySize) ids: positions are counted from it",
        given: "vocab_size")
    }
    faults.require(
      hasSegments || config.segmentCount == 0, "type_vocab_size",
      "found \(config.segmentCount), expected none: DistilBERT has no segments")
    let (heads, hidden) = (config.key(\.attentionHeads), config.key(\.hiddenSize))
    faults.require(
      config.hiddenSize % config.attentionHeads == 0, heads,
      "\(config.attentionHeads) heads do not divide \(hidden) \(config.hiddenSize)", given: hidden)
  }

  func expects(_ tokenizer: any Tokenizer) -> Bool {
    switch tokenizer.wordSign {
    case .continuation: readsBytes == nil
    case .beginning(_, let spellsBytes): readsBytes == spellsBytes
    }
  }

  func positionOffset(_ config: EncoderConfig) -> Int {
    skipsPaddingPosition ? config.padTokenID &+ 1 : 0
  }

  func encoder(_ scope: ParameterScope, config: EncoderConfig) -> any Encoder {
    BertEncoder(scope, config: config, family: self)
  }

  func inputSize(_ config: EncoderConfig) -> Int { config.hiddenSize }
  func outputSize(_ config: EncoderConfig) -> Int { config.hiddenSize }

  func parameterEstimate(_ config: EncoderConfig) -> Double {
    let (hidden, inner) = (Double(config.hiddenSize), Double(config.intermediateSize))
    let features = Double(config.embeddingSize ?? config.hiddenSize)
    let rows = Double(config.vocabularySize) + Double(config.maxPositions) + Double(config.segmentCount)
    let layer = 4 * hidden * (hidden + 1) + 2 * hidden * inner + inner + 5 * hidden
    let lacking = config.prunedHeads.values.reduce(0.0) {
      $0 + Double($1.count * config.headSize) * (4 * hidden + 3)
    }
    let narrower = (config.intermediateSizes ?? []).reduce(0.0) {
      $0 + (inner - Double($1)) * (2 * hidden + 1)
    }
    return rows * features + features * hidden + Double(config.layerCount) * layer - lacking - narrower
  }

  func intermediates(_ config: EncoderConfig) -> [Intermediate] {
    let (hidden, features) = (config.hiddenSize, config.embeddingSize ?? config.hiddenSize)
    var list = [Intermediate("embeddings", width: features)]
    if features != hidden { list.append(Intermediate("embeddings_project", width: hidden)) }
    for index in 0..<config.layerCount {
      let layer = layerName(index)
      for part in layerNames.vectors {
        list.append(Intermediate(layer + "." + part, width: config.attentionWidth(inLayer: index)))
      }
      for part in [layerNames.attentionOutput, layerNames.attendedModule] {
        list.append(Intermediate(layer + "." + part, width: hidden))
      }
      if let inner = layerNames.innerModule {
        list.append(Intermediate(layer + "." + inner, width: config.intermediateSize(inLayer: index)))
      }
      list.append(Intermediate(layer + "." + layerNames.output, width: hidden))
      list.append(Intermediate(layer, width: hidden))
    }
    return list
  }

  func entrance(_ config: EncoderConfig) -> String {
    config.embeddingSize ?? config.hiddenSize == config.hiddenSize ? "embeddings" : "embeddings_project"
  }

  func attention(inLayer index: Int) -> AttentionNames? {
    let names = layerNames.inLayer(layerName(index))
    return AttentionNames(
      queries: names.query, keys: names.key, values: names.value, scores: names.scores,
      probabilities: names.probabilities)
  }

  func innerNames(inLayer index: Int) -> LayerInnerNames? {
    let names = layerNames.inLayer(layerName(index))
    return LayerInnerNames(
      mixed: names.mixed, attended: names.attendedModule, feedForward: names.inner)
  }

  var forms: [TaskHead: any HeadForm] {
    [
      .sequenceClassification: sequence,
      .tokenClassification: TokenHeadForm(output: "classifier", dropout: tokenDropout),
      .questionAnswering: TokenHeadForm(output: "qa_outputs") { $0.answerDropout },
      .maskedLanguageModel: masked,
    ]
  }

  var copiesLayers: Bool { true }
  var factorised: EncoderArchitecture? { canBeFactorised ? .electra : nil }

  func cut(inLayer name: String) -> Cut {
    let cut = layerNames.cut(ofModule: parentModule(of: name))
    return name.hasSuffix(".weight") ? cut : Cut(rows: cut.rows)
  }

  func cut(outsideLayers name: String, _ config: EncoderConfig) -> Cut {
    if parentModule(of: name) == "embeddings_project" { return Cut(rows: .features) }
    guard name.hasPrefix("embeddings."), config.embeddingSize ?? config.hiddenSize == config.hiddenSize else {
      return Cut()
    }
    return name.contains(".LayerNorm.") ? Cut(rows: .features) : Cut(columns: .features)
  }

  func freshConfig(like teacher: EncoderConfig) -> EncoderConfig {
    var config = defaults
    (config.embeddingSize, config.segmentCount) = (nil, teacher.segmentCount)
    return config
  }
}

/// The names of the parts of a layer of BERT's shape, within the layer; the defaults are BERT's.
struct BertLayerNames: Sendable {
  var query = "attention.self.query"
  var key = "attention.self.key"
  var value = "attention.self.value"
  var attentionOutput = "attention.output.dense"
  var attentionNorm = "attention.output.LayerNorm"
  var intermediate = "intermediate.dense"
  var output = "output.dense"
  var outputNorm = "output.LayerNorm"
  /// The scaled scores of attention, before the softmax.
  var scores = "attention.scores"
  /// The probabilities of attention, before dropout.
  var probabilities = "attention.probabilities"

  /// Module of what attention mixed, before its linear layer; nil where none gives it alone.
  var mixedModule: String? { parent(of: query, named: ".query") }

  /// The attention half, normalised.
  var attendedModule: String { parent(of: attentionNorm, named: ".LayerNorm") ?? attentionNorm }

  /// The wide rows of the feed-forward half behind their nonlinearity; nil where no module gives them.
  var innerModule: String? { parent(of: intermediate, named: ".dense") }

  /// The name of what attention mixed, that of its module where one gives it.
  var mixed: String { mixedModule ?? attentionOutput + ".input" }

  /// The name of the wide rows behind their nonlinearity, that of their module where one gives them.
  var inner: String { innerModule ?? output + ".input" }

  /// Queries, keys, values, and what attention mixed of them where a module gives it.
  var vectors: [String] { [query, key, value] + [mixedModule].compactMap(\.self) }

  /// Values that exist only where attention runs step by step.
  var attentionSteps: [String] { [query, key, value, mixed, scores, probabilities] }

  /// The values that a layer has for the first row of each sequence only unless it is told otherwise; queries, keys and values
  /// it gives of every row.
  var trimmedParts: [String] {
    [scores, probabilities, mixed, attentionOutput, attendedModule, inner, output]
  }

  /// The names of the parts of one layer.
  func inLayer(_ layer: String) -> BertLayerNames {
    var names = self
    for part in Self.parts { names[keyPath: part] = layer + "." + self[keyPath: part] }
    return names
  }

  private static let parts: [any WritableKeyPath<BertLayerNames, String> & Sendable] = [
    \.query, \.key, \.value, \.attentionOutput, \.attentionNorm, \.intermediate, \.output, \.outputNorm,
    \.scores, \.probabilities,
  ]

  /// The widths of the weight of one of the parts.
  func cut(ofModule module: String) -> Cut {
    switch module {
    case query, key, value: Cut(rows: .heads, columns: .features)
    case attentionOutput: Cut(rows: .features, columns: .heads)
    case intermediate: Cut(rows: .neurons, columns: .features)
    case output: Cut(rows: .features, columns: .neurons)
    default: Cut(rows: .features)
    }
  }

  private func parent(of name: String, named suffix: String) -> String? {
    name.hasSuffix(suffix) ? String(name.dropLast(suffix.count)) : nil
  }
}
