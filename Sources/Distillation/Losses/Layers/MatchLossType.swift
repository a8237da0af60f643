/// Name of a loss between layers; the keys of TextBrewer's `MATCH_LOSS_MAP`, and what came after it.
///
/// Packed rows hold no padding, so each loss is TextBrewer's form *with* a mask.
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
  /// The distances of a batch's sequences over the largest of them, whatever the widths; see `InstanceGraphLoss`.
  case irg
  /// The moves of a batch's sequences between two layers, whatever the widths; see `InstanceGraphLoss`.
  case irgTransformation = "irg_transformation"
  /// Centred kernel alignment of the tokens of a batch, whatever the widths; see `KernelAlignment`.
  case cka
  /// Every layer with every layer, by the cheapest transport between them; see `LayerTransport`.
  case emd
  /// The attention distributions, and the relations of the values of a sequence to each other; see `Relation`.
  case minilm
  /// The relations of the queries, the keys and the values of a sequence to each other, whatever the widths and heads; see
  /// `Relation`.
  case minilmv2

  /// Loss of the name: the one table of all of them.
  package var loss: LayerLoss {
    switch self {
    case .attentionMSE: .attentionMSE
    case .attentionMSESum: .attentionMSESum
    case .attentionCE: .attentionCE
    case .attentionCEMean: .attentionCEMean
    case .hiddenMSE: .hiddenMSE
    case .cos: .cos
    case .pkd: .pkd
    case .gram, .fsp: .fsp
    case .mmd, .nst: .mmd
    case .rkdDistance: .rkdDistance
    case .rkdAngle: .rkdAngle
    case .irg: .irg
    case .irgTransformation: .irgTransformation
    case .cka: .cka
    case .emd: .emd
    case .minilm: .minilm
    case .minilmv2: .minilmv2
    }
  }

  /// Feature that is compared.
  public var feature: MatchFeature { loss.feature }

  /// Whether the loss takes two layers of each side.
  public var takesTwoLayers: Bool { loss.layers == .two }

  /// Whether only the first token of each sequence is compared, whose embedding is the same in all of them.
  public var readsFirstTokens: Bool { loss.readsFirstTokens }

  /// Whether all layers of both sides take part, so that none can be given.
  public var takesAllLayers: Bool { loss.layers == .all }

  /// Whether both sides must have one hidden size, by nature or by a projection.
  public var needsEqualSizes: Bool { loss.needsEqualSizes }

  /// Whether both sides must have as many attention heads as the other.
  public var needsEqualHeads: Bool { loss.lossForUnequalHeads != nil }

  /// Layers that the method itself compares, the last of both sides or all; nil where they must be given.
  public var standardLayers: [Int]? { loss.standardLayers }

  /// Names of the relations of `minilm` and `minilmv2`, in the order of their weights.
  public var relations: [String] { loss.relations }
}
