import Tensors

/// A linear layer's weight [outputs, inputs] and bias [outputs].
struct LinearLayer {
  let weight: Parameter
  let bias: Parameter

  init(_ scope: ParameterScope, inputs: Int, outputs: Int, initializerRange: Float) {
    weight = scope.parameter(
      "weight", [outputs, inputs], initial: .normal(standardDeviation: initializerRange))
    bias = scope.parameter("bias", [outputs], initial: .zeros)
  }

  /// Both as operations of a pass take them.
  func weights(in context: Context) -> LinearWeights {
    weight.weights(bias: bias.tensor(in: context), in: context)
  }

  func callAsFunction(_ x: Tensor, activation: Activation = .identity, in context: Context) -> Tensor {
    x.linear(weights(in: context), activation: activation)
  }
}

/// LayerNorm's scale and shift, each [features].
struct LayerNormLayer {
  let gamma: Parameter
  let beta: Parameter
  let epsilon: Float

  init(_ scope: ParameterScope, features: Int, epsilon: Float) {
    gamma = scope.parameter("weight", [features], initial: .ones)
    beta = scope.parameter("bias", [features], initial: .zeros)
    self.epsilon = epsilon
  }

  func callAsFunction(
    _ x: Tensor, residual: Tensor? = nil, dropout: Float = 0, starts: [Int32]? = nil, in context: Context
  ) -> Tensor {
    x.layerNorm(
      residual: residual, gamma: gamma.tensor(in: context), beta: beta.tensor(in: context), epsilon: epsilon,
      dropout: dropout, starts: starts, kept: context.closed?.features(of: gamma.count), in: context)
  }
}
