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

  /// This loss with weight · loss added to the total, and the loss itself to the parts.
  ///
  /// - Parameters:
  ///   - loss: A scalar on the tape of the total.
  ///   - weight: Its factor in the total.
  ///   - name: What the log calls it.
  public func adding(_ loss: Tensor, weight: Double, name: String) -> StepLoss {
    return StepLoss(total + Float(weight) * loss, parts: parts + [(name, loss.item)])
  }
}
