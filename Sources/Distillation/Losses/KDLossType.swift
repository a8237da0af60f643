/// Which loss compares the logits of student and teacher; TextBrewer's `kd_loss_type`.
public enum KDLossType: String, Sendable, Codable, CaseIterable {
  /// Cross-entropy between the softened distributions (Hinton et al. 2015); its minimum is the teacher's entropy.
  case ce
  /// Mean squared difference of the logits.
  case mse
}
