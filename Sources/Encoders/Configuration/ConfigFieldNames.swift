/// The names in `config.json` of the fields that `transformers` names differently from model to model.
struct ConfigFieldNames {
  var hiddenSize = "hidden_size"
  var layerCount = "num_hidden_layers"
  var attentionHeads = "num_attention_heads"
  var intermediateSize = "intermediate_size"
  var activation = "hidden_act"
  var hiddenDropout = "hidden_dropout_prob"
  var attentionDropout = "attention_probs_dropout_prob"
  var classifierDropout = "classifier_dropout"

  static let distilbert = ConfigFieldNames(
    hiddenSize: "dim", layerCount: "n_layers", attentionHeads: "n_heads", intermediateSize: "hidden_dim",
    activation: "activation", hiddenDropout: "dropout", attentionDropout: "attention_dropout",
    classifierDropout: "seq_classif_dropout")
}
