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
  /// Squared distance of the normalised hidden states of each first token (patient distillation).
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

  /// What the loss compares.
  public var feature: MatchFeature {
    switch self {
    case .attentionMSE, .attentionMSESum, .attentionCE, .attentionCEMean: .attention
    case .hiddenMSE, .cos, .pkd, .gram, .fsp, .mmd, .nst, .rkdDistance, .rkdAngle: .hidden
    }
  }

  /// Whether the loss takes two layers of each side.
  public var takesTwoLayers: Bool { [.gram, .fsp, .mmd, .nst].contains(self) }

  /// Whether both sides must have one hidden size, by nature or by a projection.
  public var needsEqualSizes: Bool { [.hiddenMSE, .cos, .pkd, .gram, .fsp].contains(self) }

  /// Whether both sides must have as many attention heads as the other.
  public var needsEqualHeads: Bool { self == .attentionMSE || self == .attentionCE }
}
