import Tensors

extension EncoderArchitecture {
  /// BERT (Devlin and others 2019), whole-word variants such as RoBERTa-wwm-ext and RBT3 included.
  public static let bert = EncoderArchitecture(BertFamily.bert)
  /// RoBERTa (Liu and others 2019): positions count from behind the padding token's row, texts of a pair share a segment.
  public static let roberta = EncoderArchitecture(
    BertFamily.roberta("roberta", "Roberta", vocabulary: 50265, readsBytes: true))
  /// XLM-RoBERTa (Conneau and others 2020): RoBERTa's body under a SentencePiece vocabulary of a hundred languages.
  public static let xlmRoberta = EncoderArchitecture(
    BertFamily.roberta("xlm-roberta", "XLMRoberta", vocabulary: 30522, readsBytes: false))
  /// CamemBERT (Martin and others 2020): RoBERTa's body under a SentencePiece vocabulary of French.
  public static let camembert = EncoderArchitecture(
    BertFamily.roberta("camembert", "Camembert", vocabulary: 30522, readsBytes: false))
  /// ELECTRA (Clark and others 2020), discriminators and generators: embeddings may be narrower than the layers.
  public static let electra = EncoderArchitecture(BertFamily.electra)
  /// DistilBERT (Sanh and others 2019): no segments, no dropout behind attention.
  public static let distilbert = EncoderArchitecture(BertFamily.distilbert)
}

extension BertFamily {
  fileprivate static let bert = BertFamily(
    modelType: "bert", className: "Bert", module: "bert", fields: fields, readsSegments: true,
    freshSegmentCount: 2, canBeFactorised: true,
    sequence: SequenceHeadForm(
      inner: "bert.pooler.dense", outer: "classifier", activation: .tanh, pooler: "pooler"),
    masked: MaskedHeadForm(
      transform: "cls.predictions.transform.dense", norm: "cls.predictions.transform.LayerNorm",
      bias: "cls.predictions.bias", decoder: "cls.predictions.decoder"))

  fileprivate static func roberta(
    _ modelType: String, _ className: String, vocabulary: Int, readsBytes: Bool
  ) -> BertFamily {
    BertFamily(
      modelType: modelType, className: className, module: "roberta", fields: fields, readsBytes: readsBytes,
      skipsPaddingPosition: true, freshSegmentCount: 1,
      sequence: SequenceHeadForm(
        inner: "classifier.dense", outer: "classifier.out_proj", activation: .tanh, dropsInput: true),
      masked: MaskedHeadForm(
        transform: "lm_head.dense", norm: "lm_head.layer_norm", bias: "lm_head.bias",
        decoder: "lm_head.decoder", activation: .gelu)
    ) {
      ($0.vocabularySize, $0.padTokenID) = (vocabulary, 1)
    }
  }

  fileprivate static let electra = BertFamily(
    modelType: "electra", className: "Electra", module: "electra",
    fields: [fields[0], .embeddingSize] + fields.dropFirst(), readsSegments: true, freshSegmentCount: 2,
    canBeFactorised: true,
    sequence: SequenceHeadForm(
      inner: "classifier.dense", outer: "classifier.out_proj", activation: .gelu, dropsInput: true),
    masked: MaskedHeadForm(
      transform: "generator_predictions.dense", norm: "generator_predictions.LayerNorm",
      bias: "generator_lm_head.bias", decoder: "generator_lm_head", activation: .gelu)
  ) {
    ($0.hiddenSize, $0.embeddingSize) = (256, 128)
    ($0.attentionHeads, $0.intermediateSize) = (4, 1024)
  }

  fileprivate static let distilbert = BertFamily(
    modelType: "distilbert", className: "DistilBert", module: "distilbert",
    layers: "transformer.layer",
    layerNames: BertLayerNames(
      query: "attention.q_lin", key: "attention.k_lin", value: "attention.v_lin",
      attentionOutput: "attention.out_lin", attentionNorm: "sa_layer_norm", intermediate: "ffn.lin1",
      output: "ffn.lin2", outputNorm: "output_layer_norm"),
    // Its code has no segments and a fixed epsilon.
    fields: [
      .size("vocab_size", \.vocabularySize), .size("dim", \.hiddenSize), .size("n_layers", \.layerCount),
      .size("n_heads", \.attentionHeads), .size("hidden_dim", \.intermediateSize),
      .prunedHeads, .layerSizes("hidden_dims"),
      .activation("activation", \.activation), .number("dropout", \.hiddenDropout),
      .number("attention_dropout", \.attentionDropout),
      .headDropout("seq_classif_dropout", followsHiddenDropout: false),
      .number("qa_dropout", \.answerDropout), .positions("max_position_embeddings", \.maxPositions),
      .number("initializer_range", \.initializerRange),
    ],
    dropsAttentionOutput: false,
    sequence: SequenceHeadForm(inner: "pre_classifier", outer: "classifier", activation: .relu),
    tokenDropout: { $0.hiddenDropout },
    masked: MaskedHeadForm(
      transform: "vocab_transform", norm: "vocab_layer_norm", bias: "vocab_projector.bias",
      decoder: "vocab_projector")
  ) {
    ($0.layerCount, $0.segmentCount) = (6, 0)
    ($0.classifierDropout, $0.answerDropout) = (0.2, 0.1)
  }

  /// The fields of BERT's own file.
  private static let fields: [ConfigField] = [
    .size("vocab_size", \.vocabularySize), .size("hidden_size", \.hiddenSize),
    .size("num_hidden_layers", \.layerCount), .size("num_attention_heads", \.attentionHeads),
    .size("intermediate_size", \.intermediateSize), .prunedHeads, .layerSizes("intermediate_sizes"),
    .activation("hidden_act", \.activation),
    .number("hidden_dropout_prob", \.hiddenDropout),
    .number("attention_probs_dropout_prob", \.attentionDropout), .headDropout("classifier_dropout"),
    .positions("max_position_embeddings", \.maxPositions),
    .number("initializer_range", \.initializerRange), .size("type_vocab_size", \.segmentCount),
    .number("layer_norm_eps", \.layerNormEpsilon),
  ]
}
