/// Which loss compares intermediate features; the keys of TextBrewer's `MATCH_LOSS_MAP`, and what came after it.
///
/// The formulas are in `MatchLoss`. Packed rows hold no padding, so each loss is TextBrewer's form *with* a mask.
public enum MatchLossType: String, Sendable, Codable, CaseIterable {
  /// Mean squared difference of the attention scores.
  case attentionMSE = "attention_mse"
  /// Mean squared difference of the attention scores summed over heads.
  case attentionMSESum = "attention_mse_sum"
  /// Cross-entropy of the attention distributions.
  case attentionCE = "attention_ce"
  /// Cross-entropy of the distributions of the attention scores averaged over heads.
  case attentionCEMean = "attention_ce_mean"
  /// Mean squared difference of the hidden states.
  case hiddenMSE = "hidden_mse"
  /// Mean of 1 − cosine of the hidden states (DistilBERT).
  case cos
  /// Mean squared difference of the normalised hidden states of each first token (patient distillation).
  case pkd
  /// Another name of `fsp`.
  case gram
  /// Mean squared difference of the feature-by-feature Gram matrices of two layers.
  case fsp
  /// Mean squared difference of the token-by-token similarity matrices of two layers.
  case mmd
  /// Another name of `mmd`.
  case nst
  /// The distances between the sequences of a batch, whatever the widths; see `RelationalLoss`.
  case rkdDistance = "rkd_distance"
  /// The angles between the sequences of a batch, whatever the widths; see `RelationalLoss`.
  case rkdAngle = "rkd_angle"
  /// How far the sequences of a batch lie apart, whatever the widths; see `InstanceGraphLoss`.
  case irg
  /// How far the sequences of a batch move between two layers, whatever the widths; see `InstanceGraphLoss`.
  case irgTransformation = "irg_transformation"
  /// Every layer with every layer, by the cheapest transport between them; see `LayerTransport`.
  case emd
  /// The attention distributions, and how the values of a sequence relate to each other; see `SelfAttentionLoss`.
  case minilm
  /// How the queries, the keys and the values of a sequence relate to each other, whatever the widths and heads; see
  /// `SelfAttentionLoss`.
  case minilmv2

  /// What the loss compares.
  public var feature: MatchFeature {
    switch self {
    case .attentionMSE, .attentionMSESum, .attentionCE, .attentionCEMean: .attention
    case .hiddenMSE, .cos, .pkd, .gram, .fsp, .mmd, .nst, .rkdDistance, .rkdAngle, .irg,
      .irgTransformation, .emd:
      .hidden
    case .minilm, .minilmv2: .selfAttention
    }
  }

  /// Whether the loss takes two layers of each side.
  public var takesTwoLayers: Bool { [.gram, .fsp, .mmd, .nst, .irgTransformation].contains(self) }

  /// Whether only the first token of each sequence is compared, whose embedding is the same in all of them.
  public var readsFirstTokens: Bool {
    [.pkd, .rkdDistance, .rkdAngle, .irg, .irgTransformation].contains(self)
  }

  /// Whether all layers of both sides take part, so that none can be given.
  public var takesAllLayers: Bool { self == .emd }

  /// Whether it can compare one value of each side, such as a named module's.
  public var comparesSingleValues: Bool { feature == .hidden && self != .emd && self != .irgTransformation }

  /// Whether both sides must have one hidden size, by nature or by a projection.
  public var needsEqualSizes: Bool { [.hiddenMSE, .cos, .pkd, .gram, .fsp, .emd].contains(self) }

  /// Whether both sides must have as many attention heads as the other.
  public var needsEqualHeads: Bool { lossForUnequalHeads != nil }

  /// What does most nearly the same with any numbers of heads; nil where the loss itself takes any.
  var lossForUnequalHeads: MatchLossType? {
    switch self {
    case .attentionMSE: .attentionMSESum
    case .attentionCE: .attentionCEMean
    case .minilm: .minilmv2
    default: nil
    }
  }

  /// The layers that the method itself compares, the last of both sides or all; nil where they must be given.
  public var standardLayers: [Int]? {
    takesAllLayers ? [] : feature == .selfAttention || self == .irg ? [-1] : nil
  }

  /// What the relations of `minilm` and `minilmv2` are of, in the order of their weights.
  public var relations: [String] {
    switch self {
    case .minilm: ["attention", "values"]
    case .minilmv2: ["queries", "keys", "values"]
    default: []
    }
  }
}
