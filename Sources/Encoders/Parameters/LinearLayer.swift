import Tensors

/// A linear layer's weight [outputs, inputs], whole or as two factors, and bias [outputs].
struct LinearLayer {
  let weight: WeightMatrix
  let bias: Parameter

  init(_ scope: ParameterScope, inputs: Int, outputs: Int, initializerRange: Float) {
    weight = scope.weight([outputs, inputs], deviation: initializerRange)
    bias = scope.parameter("bias", [outputs], initial: .zeros)
  }

  /// Both as operations of a pass take them.
  func weights(in context: Context) -> LinearWeights {
    let bias = bias.tensor(in: context)
    switch weight {
    case .whole(let weight): return weight.weights(bias: bias, in: context)
    case .factors(let narrow, let up):
      return LinearWeights(
        narrow: narrow.weights(bias: nil, in: context), up: up.weights(bias: bias, in: context))
    }
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
