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
  ///   - loss: A scalar on the tape of the context.
  ///   - weight: Its factor in the total.
  ///   - name: What the log calls it.
  ///   - context: The pass both belong to.
  public func adding(_ loss: Tensor, weight: Double, name: String, in context: Context) -> StepLoss {
    let weighted = scale(loss, by: Float(weight), in: context)
    return StepLoss(add(total, weighted, in: context), parts: parts + [(name, loss.item)])
  }
}
