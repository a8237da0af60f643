/// Weights of a linear layer, y = x Wᵀ + b, as every op that multiplies by one takes them.
public struct LinearWeights: Sendable {
  /// The weight as checkpoints hold it, [outputs, inputs].
  public let weight: Tensor
  /// The bias, [outputs], if any.
  public let bias: Tensor?

  /// A dense weight [outputs, inputs] and a bias [outputs], if any.
  public init(_ weight: Tensor, bias: Tensor? = nil) {
    precondition(
      weight.shape.rank == 2, "A linear layer needs a weight [outputs, inputs], found \(weight.shape).")
    precondition(
      bias == nil || bias?.count == weight.shape[0],
      "A linear layer needs a bias of \(weight.shape[0]) values.")
    self.weight = weight
    self.bias = bias
  }

  /// The length of the rows it takes.
  public var inputs: Int { weight.shape[1] }
  /// The length of the rows it gives.
  public var outputs: Int { weight.shape[0] }

  /// The tensors that gradients can go to.
  package var tensors: [Tensor?] { [weight, bias] }
}
