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
  /// The layer that gives the logits.
  var headOuter: String

  static let distilbert = ParameterNames(
    encoder: "distilbert", layers: "transformer.layer", query: "attention.q_lin", key: "attention.k_lin",
    value: "attention.v_lin", attentionOutput: "attention.out_lin", attentionNorm: "sa_layer_norm",
    intermediate: "ffn.lin1", output: "ffn.lin2", outputNorm: "output_layer_norm",
    headInner: "pre_classifier", headOuter: "classifier")
}
