import Kernels
import ModelFormats

/// SGD: stochastic gradient descent with weight decay added to the gradient (`torch.optim.SGD`, dampening 0).
struct SGD: UpdateRule {
  static let name = "sgd"
  let momentum: Double
  let nesterov: Bool

  init(momentum: Double, nesterov: Bool) { (self.momentum, self.nesterov) = (momentum, nesterov) }

  init(_ constants: OptimizerConstants, arguments: inout FieldReader) {
    self.init(momentum: constants.momentum, nesterov: constants.nesterov)
  }

  var stateNames: [String] { momentum == 0 ? [] : ["momentum_buffer"] }

  func update(_ chunks: [UpdateChunk], factor: Double, gradientScale: Float) {
    chunks.updateEach { chunk in
      SGDKernel(
        learningRate: Float(chunk.learningRate * factor), momentum: Float(momentum),
        weightDecay: Float(chunk.weightDecay), isNesterov: nesterov, isFirst: chunk.steps == 1,
        gradientScale: gradientScale
      ).update(chunk.range, of: chunk.values, gradient: chunk.gradient, buffer: chunk.averages.first)
    }
  }
}

extension OptimizerName {
  /// `OptimizerConfig.sgd`.
  public static let sgd = OptimizerName(SGD.self)
}

extension OptimizerConfig {
  /// Stochastic gradient descent with weight decay added to the gradient (`torch.optim.SGD`, dampening 0).
  public static func sgd(momentum: Double = 0, nesterov: Bool = false) -> OptimizerConfig {
    OptimizerConfig(SGD(momentum: momentum, nesterov: nesterov))
  }
}
