public import Tensors

/// The loss of one micro-batch with the parts it is made of.
public struct StepLoss {
  /// What is minimised, a scalar on the tape.
  public let total: Tensor
  /// Named parts for the log, each a mean over the micro-batch, not yet weighted.
  public let parts: [(name: String, value: Float)]

  /// A loss; list no parts when there is only one.
  public init(_ total: Tensor, parts: [(name: String, value: Float)] = []) {
    precondition(total.count == 1, "A loss must have one element, found shape \(total.shape).")
    self.total = total
    self.parts = parts
  }
}
