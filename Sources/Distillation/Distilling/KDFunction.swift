import Tasks
import Tensors

/// A KD loss of your own: the whole loss between one pair of logits, T² included if it shall be; TextBrewer's
/// `register_new('kd_loss', …)`.
///
/// - Parameters:
///   - student: The student's logits, [rows, classes] or as `kind` says, on the context's tape.
///   - teacher: The teacher's, the same shape; a constant.
///   - kind: What the logits mean.
///   - temperature: The configuration's temperature, more than 0.
///   - context: The pass the student's logits belong to.
/// - Returns: The loss, a scalar.
public typealias KDFunction =
  (_ student: Tensor, _ teacher: Tensor, _ kind: LogitsKind, _ temperature: Double, _ context: Context) throws
  -> Tensor
