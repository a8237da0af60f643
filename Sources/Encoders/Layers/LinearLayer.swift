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

  /// Both as operations take them.
  var tensors: (weight: Tensor, bias: Tensor) { (weight.tensor, bias.tensor) }

  func callAsFunction(_ x: Tensor, activation: Activation = .identity, in context: Context) -> Tensor {
    linear(x, weight.tensor, bias.tensor, activation: activation, in: context)
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
    residualLayerNorm(
      x, residual: residual, gamma: gamma.tensor, beta: beta.tensor, epsilon: epsilon, dropout: dropout,
      starts: starts, in: context)
  }
}
