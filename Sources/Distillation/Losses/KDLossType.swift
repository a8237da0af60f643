/// Which loss compares the logits of student and teacher; TextBrewer's `kd_loss_type`, and what came after it.
public enum KDLossType: String, Sendable, Codable, CaseIterable {
  /// Cross-entropy between the softened distributions (Hinton et al. 2015); its minimum is the teacher's entropy.
  case ce
  /// Mean squared difference of the logits.
  case mse
  /// KL(student ‖ teacher): the student may leave out what it cannot cover; see `ReverseKL`.
  case reverseKL = "reverse_kl"
  /// The divergence of both from their mean; see `JensenShannon`.
  case jsd
  /// Decoupled distillation (Zhao et al. 2022): the wrong classes count apart from the right one; see `DecoupledKD`.
  case dkd
  /// Correlations instead of equality (Huang et al. 2022); see `DISTLoss`.
  case dist

  /// Whether the loss is a sum over rows of what only classes, or positions, have.
  var needsClasses: Bool { self == .dkd || self == .dist }

  /// The members of `kd_loss_options` that the loss reads.
  var optionNames: [String] {
    switch self {
    case .dkd: ["alpha", "beta"]
    case .dist: ["beta", "gamma"]
    case .jsd: ["beta"]
    case .ce, .mse, .reverseKL: []
    }
  }
}
