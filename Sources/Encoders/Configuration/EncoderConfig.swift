import ModelFormats
import Tensors

/// The shape and hyper-parameters of an encoder: what `config.json` says.
public struct EncoderConfig: Sendable, Equatable {
  /// Rows of the word table (`vocab_size`).
  public var vocabularySize: Int
  /// Features of a token (`hidden_size`).
  public var hiddenSize: Int
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
  /// The longest sequence (`max_position_embeddings`).
  public var maxPositions: Int = 512
  /// Rows of the segment table (`type_vocab_size`).
  public var segmentCount: Int = 2
  /// The standard deviation of fresh weights (`initializer_range`).
  public var initializerRange: Float = 0.02
  /// The number under LayerNorm's root (`layer_norm_eps`).
  public var layerNormEpsilon: Float = 1e-12
  /// The id of the padding token (`pad_token_id`).
  public var padTokenID: Int = 0
  /// The names of the classes in order of their index (`id2label`).
  public var labels: [String] = ["LABEL_0", "LABEL_1"]
  /// What the labels mean (`problem_type`), such as `single_label_classification`; kept, not interpreted.
  public var problemType: String?
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
    let sizes = [
      ("vocab_size", vocabularySize), ("hidden_size", hiddenSize), ("num_hidden_layers", layerCount),
      ("num_attention_heads", attentionHeads), ("intermediate_size", intermediateSize),
      ("max_position_embeddings", maxPositions), ("type_vocab_size", segmentCount),
    ]
    for (field, size) in sizes {
      try require(size > 0 && size < 1 << 31, field, "found \(size), expected a whole number from 1")
    }
    try require(layerCount <= 10_000, "num_hidden_layers", "found \(layerCount), expected at most 10000")
    try require(
      hiddenSize % attentionHeads == 0, "num_attention_heads",
      "\(attentionHeads) heads do not divide hidden_size \(hiddenSize)")
    let rates = [
      ("hidden_dropout_prob", hiddenDropout), ("attention_probs_dropout_prob", attentionDropout),
      ("classifier_dropout", classifierDropout ?? 0),
    ]
    for (field, rate) in rates {
      try require(rate >= 0 && rate < 1, field, "found \(rate), expected a probability in 0 ..< 1")
    }
    try require(!labels.isEmpty, "id2label", "found no labels, expected at least one")
    try require(
      Set(labels).count == labels.count, "id2label",
      "found a label twice in \(labels), expected different names")
    try require(
      layerNormEpsilon > 0, "layer_norm_eps", "found \(layerNormEpsilon), expected a positive number")
    try require(
      initializerRange >= 0, "initializer_range", "found \(initializerRange), expected a number from 0")
  }
}
