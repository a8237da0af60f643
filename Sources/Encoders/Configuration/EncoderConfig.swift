import ModelFormats
import Tensors

/// The shape and hyper-parameters of an encoder: what `config.json` says.
///
/// Fields are named here as in BERT's file; DistilBERT's has other names for some (`dim`, `n_layers`, …). Encoders that are
/// no Transformers leave out what they lack: heads, feed-forward layers, segments.
public struct EncoderConfig: Sendable, Equatable {
  /// Which model of BERT's family this is (`model_type`).
  public var architecture: EncoderArchitecture = .bert
  /// Rows of the word table (`vocab_size`).
  public var vocabularySize: Int
  /// Features of a token (`hidden_size`); in a recurrent encoder those of one direction, in a convolutional one the filters
  /// of all widths together.
  public var hiddenSize: Int
  /// Features of the embedding tables where they differ from `hiddenSize` (ELECTRA's `embedding_size`).
  public var embeddingSize: Int?
  /// Layers (`num_hidden_layers`).
  public var layerCount: Int
  /// Heads of each attention (`num_attention_heads`).
  public var attentionHeads: Int
  /// Features between the two feed-forward products (`intermediate_size`).
  public var intermediateSize: Int
  /// The feed-forward nonlinearity (`hidden_act`).
  public var activation: Activation = .gelu
  /// Dropout of embeddings and layer outputs (`hidden_dropout_prob`), 0 ..< 1.
  public var hiddenDropout: Float = 0.1
  /// Dropout of attention probabilities (`attention_probs_dropout_prob`), 0 ..< 1.
  public var attentionDropout: Float = 0.1
  /// Dropout before the head where it differs from `hiddenDropout` (`classifier_dropout`), 0 ..< 1.
  public var classifierDropout: Float?
  /// Dropout before the head of question answering (`qa_dropout`), 0 ..< 1; only DistilBERT has any.
  public var answerDropout: Float = 0
  /// The longest sequence (`max_position_embeddings`, of which RoBERTa's keep the first rows for other purposes).
  public var maxPositions: Int = 512
  /// Rows of the segment table (`type_vocab_size`), 0 where there is none (DistilBERT).
  public var segmentCount: Int = 2
  /// The standard deviation of fresh weights (`initializer_range`).
  public var initializerRange: Float = 0.02
  /// The number under LayerNorm's root (`layer_norm_eps`).
  public var layerNormEpsilon: Float = 1e-12
  /// The id of the padding token (`pad_token_id`); RoBERTa's positions start behind the row of this number.
  public var padTokenID: Int = 0
  /// The names of the classes in order of their index (`id2label`).
  public var labels: [String] = ["LABEL_0", "LABEL_1"]
  /// The widths of a convolutional encoder's windows, in tokens (`kernel_sizes`), Kim's by default.
  public var kernelSizes: [Int] = [3, 4, 5]
  /// What stands on the encoder (`architectures`).
  public var head: TaskHead = .sequenceClassification
  /// What the outputs of a sequence head mean (`problem_type`); nil where the file does not say.
  public var problemType: ProblemType?
  /// The configuration this was read from: its order and the keys that Potstill does not know are written back.
  var original = JSONObject()
}

extension EncoderConfig {
  /// A configuration with the given shape; everything else is BERT's default until it is set.
  ///
  /// - Parameters:
  ///   - vocabularySize: Rows of the word table.
  ///   - hiddenSize: Features of a token.
  ///   - layerCount: Layers.
  ///   - attentionHeads: Heads of each attention; divides `hiddenSize`.
  ///   - intermediateSize: Features between the two feed-forward products.
  ///   - labels: The names of the classes in order.
  public init(
    vocabularySize: Int, hiddenSize: Int, layerCount: Int, attentionHeads: Int, intermediateSize: Int,
    labels: [String] = ["LABEL_0", "LABEL_1"]
  ) {
    self.vocabularySize = vocabularySize
    self.hiddenSize = hiddenSize
    self.layerCount = layerCount
    self.attentionHeads = attentionHeads
    self.intermediateSize = intermediateSize
    self.labels = labels
  }

  /// Checks that the numbers describe an encoder.
  ///
  /// - Parameter file: The file to name in the error.
  /// - Throws: `ModelError.configuration` for the first field that does not.
  func check(file: String = "config.json") throws(ModelError) {
    func require(_ holds: Bool, _ field: String, _ problem: String) throws(ModelError) {
      guard holds else { throw .configuration(file: file, field: field, problem: problem) }
    }
    let names = architecture.fields
    var sizes = [
      ("vocab_size", vocabularySize), (names.hiddenSize, hiddenSize), (names.layerCount, layerCount),
    ]
    if architecture.isTransformer {
      sizes += [(names.attentionHeads, attentionHeads), (names.intermediateSize, intermediateSize)]
      if architecture != .distilbert { sizes.append(("type_vocab_size", segmentCount)) }
    }
    if let embeddingSize { sizes.append(("embedding_size", embeddingSize)) }
    for (field, size) in sizes {
      try require(size > 0 && size < 1 << 31, field, "found \(size), expected a whole number from 1")
    }
    if architecture.skipsPaddingPosition {
      try require(
        padTokenID >= 0 && padTokenID < vocabularySize, "pad_token_id",
        "found \(padTokenID), expected one of the \(vocabularySize) ids: positions are counted from it")
    }
    try require(
      maxPositions > 0 && maxPositions < 1 << 31, "max_position_embeddings",
      "found \(maxPositions &+ positionOffset), expected a whole number from \(positionOffset &+ 1)")
    try require(
      embeddingSize == nil || embeddingSize == hiddenSize || architecture.namesEmbeddingSize,
      "embedding_size",
      "found \(embeddingSize ?? 0), expected hidden_size in a model of type \(architecture.rawValue)")
    try require(
      architecture != .distilbert || segmentCount == 0, "type_vocab_size",
      "found \(segmentCount), expected none: DistilBERT has no segments")
    try require(layerCount <= 10_000, names.layerCount, "found \(layerCount), expected at most 10000")
    try require(
      !architecture.isTransformer || hiddenSize % attentionHeads == 0, names.attentionHeads,
      "\(attentionHeads) heads do not divide \(names.hiddenSize) \(hiddenSize)")
    if architecture == .textcnn {
      try require(
        !kernelSizes.isEmpty && kernelSizes.allSatisfy { (1...255).contains($0) }, "kernel_sizes",
        "found \(kernelSizes), expected widths in 1 to 255")
      try require(
        hiddenSize % kernelSizes.count == 0, "hidden_size",
        "found \(hiddenSize), expected a multiple of the \(kernelSizes.count) widths, which have as many filters each"
      )
    }
    try require(
      architecture.isTransformer || head != .maskedLanguageModel, "architectures",
      "found a masked language model, expected another head: \(architecture.rawValue) has none for it")
    let rates = [
      (names.hiddenDropout, hiddenDropout), (names.attentionDropout, attentionDropout),
      (names.classifierDropout, classifierDropout ?? 0), ("qa_dropout", answerDropout),
    ]
    for (field, rate) in rates {
      try require(rate >= 0 && rate < 1, field, "found \(rate), expected a probability in 0 ..< 1")
    }
    try require(!labels.isEmpty, "id2label", "found no labels, expected at least one")
    try require(
      Set(labels).count == labels.count, "id2label",
      "found a label twice in \(labels), expected different names")
    try require(
      head != .questionAnswering || labels.count == 2, "id2label",
      "found \(labels.count) labels, expected 2: where an answer starts and where it ends")
    try require(
      head != .maskedLanguageModel || original["tie_word_embeddings"]?.boolValue != false,
      "tie_word_embeddings", "found false, expected true: a decoder with words of its own is not supported")
    try require(
      layerNormEpsilon > 0, "layer_norm_eps", "found \(layerNormEpsilon), expected a positive number")
    try require(
      initializerRange >= 0, "initializer_range", "found \(initializerRange), expected a number from 0")
  }

  /// What the outputs of a sequence head mean; a single output is a number where the file does not say, as in
  /// `transformers`.
  public var problem: ProblemType { problemType ?? (labels.count == 1 ? .regression : .singleLabel) }

  /// The names that `transformers` gives classes without names.
  static func defaultLabels(_ count: Int) -> [String] { (0..<count).map { "LABEL_\($0)" } }

  /// Dropout in the head.
  var headDropout: Float {
    switch head {
    case .questionAnswering: answerDropout
    case .tokenClassification where architecture == .distilbert: hiddenDropout
    default: classifierDropout ?? hiddenDropout
    }
  }

  /// Features of what goes into the first layer where that is not `hiddenSize`, else `hiddenSize`: the width of the hidden
  /// state called embeddings.
  public var inputSize: Int { architecture.isTransformer ? hiddenSize : embeddingSize ?? hiddenSize }

  /// Features of each layer's output: both directions of a recurrent encoder side by side.
  public var outputSize: Int { architecture.recurrentCell == nil ? hiddenSize : 2 * hiddenSize }

  /// The rows of the position table before that of a sequence's first token.
  var positionOffset: Int { architecture.skipsPaddingPosition ? padTokenID &+ 1 : 0 }

  /// Dropout of what attention adds to a layer's input.
  var attentionOutputDropout: Float { architecture == .distilbert ? 0 : hiddenDropout }

  /// What `transformers` takes for the fields that a file leaves out.
  static func defaults(of architecture: EncoderArchitecture) -> EncoderConfig {
    guard architecture.isTransformer else { return otherDefaults(of: architecture) }
    let isElectra = architecture == .electra
    var config = EncoderConfig(
      vocabularySize: architecture == .roberta ? 50265 : 30522, hiddenSize: isElectra ? 256 : 768,
      layerCount: architecture == .distilbert ? 6 : 12, attentionHeads: isElectra ? 4 : 12,
      intermediateSize: isElectra ? 1024 : 3072)
    config.architecture = architecture
    if isElectra { config.embeddingSize = 128 }
    if architecture == .distilbert {
      (config.segmentCount, config.classifierDropout, config.answerDropout) = (0, 0.2, 0.1)
    }
    if architecture.skipsPaddingPosition { config.padTokenID = 1 }
    return config
  }

  /// The defaults of an encoder that is no Transformer: one layer, TextBrewer's 768 units or Kim's 100 filters a width.
  private static func otherDefaults(of architecture: EncoderArchitecture) -> EncoderConfig {
    let isConvolutional = architecture == .textcnn
    var config = EncoderConfig(
      vocabularySize: 30522, hiddenSize: isConvolutional ? 300 : 768, layerCount: 1, attentionHeads: 0,
      intermediateSize: 0)
    config.architecture = architecture
    (config.segmentCount, config.attentionDropout) = (0, 0)
    if isConvolutional { (config.embeddingSize, config.classifierDropout) = (768, 0.5) }
    return config
  }
}
