/// What a checkpoint calls an encoder's parameters; the default is BERT's.
struct ParameterNames {
  /// The module that holds the encoder.
  var encoder: String
  /// The list of layers in it.
  var layers = "encoder.layer"
  // Within a layer:
  var query = "attention.self.query"
  var key = "attention.self.key"
  var value = "attention.self.value"
  var attentionOutput = "attention.output.dense"
  var attentionNorm = "attention.output.LayerNorm"
  var intermediate = "intermediate.dense"
  var output = "output.dense"
  var outputNorm = "output.LayerNorm"
  /// The classification head's first layer, which a checkpoint of a pre-trained encoder may hold already.
  var headInner: String
  /// The layer that gives the logits of a sequence.
  var headOuter: String
  /// The head of a masked language model.
  var masked: Masked

  /// The names in the head of a masked language model.
  struct Masked {
    var transform: String
    var norm: String
    var bias: String
    /// The module whose weight is the word table, and whose bias is `bias`, under another name.
    var decoder: String

    /// For encoders that have no such head.
    static let none = Masked(transform: "", norm: "", bias: "", decoder: "")
  }

  /// The layer that gives a head's logits; of a masked language model the last one that it does not share.
  func output(of head: TaskHead) -> String {
    switch head {
    case .sequenceClassification: headOuter
    case .tokenClassification: "classifier"
    case .questionAnswering: "qa_outputs"
    case .maskedLanguageModel: masked.transform
    }
  }

  /// Whether a parameter belongs to a head, and so may start fresh.
  func isPart(_ name: String, of head: TaskHead) -> Bool {
    let modules =
      switch head {
      case .sequenceClassification: [headInner, headOuter]
      case .tokenClassification, .questionAnswering: [output(of: head)]
      case .maskedLanguageModel: [masked.transform, masked.norm]
      }
    return modules.contains { name.hasPrefix($0 + ".") }
      || (head == .maskedLanguageModel && name == masked.bias)
  }

  /// Second names that a checkpoint may give parameters a head shares, by their canonical ones.
  func aliases(in head: TaskHead) -> [String: String] {
    guard head == .maskedLanguageModel else { return [:] }
    return [
      encoder + ".embeddings.word_embeddings.weight": masked.decoder + ".weight",
      masked.bias: masked.decoder + ".bias",
    ].filter { $0.key != $0.value }
  }

  static let bert = ParameterNames(
    encoder: "bert", headInner: "bert.pooler.dense", headOuter: "classifier",
    masked: Masked(
      transform: "cls.predictions.transform.dense", norm: "cls.predictions.transform.LayerNorm",
      bias: "cls.predictions.bias", decoder: "cls.predictions.decoder"))

  static let roberta = ParameterNames(
    encoder: "roberta", headInner: "classifier.dense", headOuter: "classifier.out_proj",
    masked: Masked(
      transform: "lm_head.dense", norm: "lm_head.layer_norm", bias: "lm_head.bias", decoder: "lm_head.decoder"
    ))

  static let electra = ParameterNames(
    encoder: "electra", headInner: "classifier.dense", headOuter: "classifier.out_proj",
    masked: Masked(
      transform: "generator_predictions.dense", norm: "generator_predictions.LayerNorm",
      bias: "generator_lm_head.bias", decoder: "generator_lm_head"))

  static let distilbert = ParameterNames(
    encoder: "distilbert", layers: "transformer.layer", query: "attention.q_lin", key: "attention.k_lin",
    value: "attention.v_lin", attentionOutput: "attention.out_lin", attentionNorm: "sa_layer_norm",
    intermediate: "ffn.lin1", output: "ffn.lin2", outputNorm: "output_layer_norm",
    headInner: "pre_classifier", headOuter: "classifier",
    masked: Masked(
      transform: "vocab_transform", norm: "vocab_layer_norm", bias: "vocab_projector.bias",
      decoder: "vocab_projector"))

  /// The layers of a recurrent encoder are one `nn.GRU` or `nn.LSTM`, whose parameters end with the layer's number.
  static func recurrent(_ encoder: String) -> ParameterNames {
    ParameterNames(
      encoder: encoder, layers: "encoder", headInner: "classifier.dense", headOuter: "classifier.out_proj",
      masked: .none)
  }

  /// The filters of layer l and the j-th width are `layer.l.convolutions.j`; the head has no first layer.
  static func convolutional(_ encoder: String) -> ParameterNames {
    ParameterNames(
      encoder: encoder, layers: "layer", headInner: "classifier", headOuter: "classifier", masked: .none)
  }
}
