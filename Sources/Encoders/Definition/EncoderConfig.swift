import ModelFormats
import Tensors

/// The shape and hyper-parameters of an encoder: what `config.json` says.
///
/// Fields are named here as in BERT's file; DistilBERT's has other names for some (`dim`, `n_layers`, …). Encoders that are
/// no Transformers leave out what they lack: heads, feed-forward layers, segments.
public struct EncoderConfig: Sendable, Equatable {
  /// The family (`model_type`).
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
  /// Features between the two feed-forward products (`intermediate_size`), where layers differ the most of one.
  public var intermediateSize: Int
  /// Heads that layers lack, numbered among `attentionHeads`, by the layer counted from 0 (`pruned_heads`).
  public package(set) var prunedHeads: [Int: [Int]] = [:]
  /// Features between the feed-forward products of each layer (`intermediate_sizes`); nil where all layers have
  /// `intermediateSize`.
  public package(set) var intermediateSizes: [Int]?
  /// Ranks of modules whose weights are held as two thin matrices (`low_rank`).
  public package(set) var lowRank: [String: Int] = [:]
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
  /// Head on the encoder (`architectures`).
  public var head: TaskHead = .sequenceClassification
  /// Meaning of the outputs of a sequence head (`problem_type`); nil where the file does not say.
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
  /// - Throws: `ModelError.configuration` for a field that does not, `ModelError.faults` for several.
  func check(file: String = "config.json") throws(ModelError) {
    var faults = ConfigFaults()
    note(&faults)
    try faults.check(file: file)
  }

  /// Notes everything that is wrong with the fields.
  func note(_ faults: inout ConfigFaults) {
    for field in family.fields {
      if let problem = field.fault(self) { faults.note(field.key, problem) }
    }
    if let embeddingSize {
      if let problem = ConfigField.sizeFault(embeddingSize) { faults.note("embedding_size", problem) }
      faults.require(
        embeddingSize == hiddenSize || family.fields.contains { $0.path == \EncoderConfig.embeddingSize },
        "embedding_size",
        "found \(embeddingSize), expected hidden_size in a model of type \(architecture.rawValue)")
    }
    let layers = key(\.layerCount)
    faults.require(layerCount <= 10_000, layers, "found \(layerCount), expected at most 10000")
    family.check(self, &faults)
    noteLowRank(&faults)
    family.form(of: head)?.check(self, &faults)
    faults.require(
      maxPositions > 0 && maxPositions < 1 << 31, key(\.maxPositions),
      "found \(maxPositions &+ positionOffset), expected a whole number from \(positionOffset &+ 1)",
      given: "pad_token_id")
    faults.require(
      family.form(of: head) != nil, "architectures",
      "found a masked language model, expected another head: \(architecture.rawValue) has none for it")
    let rates = [
      (key(\.hiddenDropout), hiddenDropout), (key(\.attentionDropout), attentionDropout),
      (key(\.classifierDropout), classifierDropout ?? 0), (key(\.answerDropout), answerDropout),
    ]
    for (field, rate) in rates {
      faults.require(rate >= 0 && rate < 1, field, "found \(rate), expected a probability in 0 ..< 1")
    }
    faults.require(!labels.isEmpty, "id2label", "found no labels, expected at least one")
    faults.require(
      Set(labels).count == labels.count, "id2label",
      "found a label twice in \(labels), expected different names")
    faults.require(
      head != .questionAnswering || labels.count == 2, "id2label",
      "found \(labels.count) labels, expected 2: where an answer starts and where it ends")
    faults.require(
      head != .maskedLanguageModel || original["tie_word_embeddings"]?.boolValue != false,
      "tie_word_embeddings", "found false, expected true: a decoder with words of its own is not supported")
    faults.require(
      layerNormEpsilon > 0, key(\.layerNormEpsilon), "found \(layerNormEpsilon), expected a positive number")
    faults.require(
      initializerRange >= 0, key(\.initializerRange), "found \(initializerRange), expected a number from 0")
  }

  /// Meaning of the outputs of a sequence head; a single output is a number where the file does not say, as in
  /// `transformers`.
  public var problem: ProblemType { problemType ?? (labels.count == 1 ? .regression : .singleLabel) }

  /// The names that `transformers` gives classes without names.
  static func defaultLabels(_ count: Int) -> [String] { (0..<count).map { "LABEL_\($0)" } }

  /// Dropout before the head.
  var headDropout: Float { classifierDropout ?? hiddenDropout }

  /// The rows of the position table before that of a sequence's first token.
  var positionOffset: Int { family.positionOffset(self) }

  /// Whether positions are counted from behind the padding token's row.
  package var countsPositionsFromPadding: Bool { positionOffset > 0 }

  /// Defaults that `transformers` takes for the fields that a file leaves out.
  static func defaults(of architecture: EncoderArchitecture) -> EncoderConfig { architecture.family.defaults }
}
