import Kernels
import ModelFormats

/// AdamW: Adam with decoupled weight decay and bias correction (Loshchilov & Hutter 2019; `torch.optim.AdamW`).
struct AdamW: UpdateRule {
  static let name = "adamw_torch"
  static let stateName = "adamw"
  let beta1: Double
  let beta2: Double
  let epsilon: Double

  init(beta1: Double, beta2: Double, epsilon: Double) {
    (self.beta1, self.beta2, self.epsilon) = (beta1, beta2, epsilon)
  }

  init(_ constants: OptimizerConstants, arguments: inout FieldReader) {
    self.init(beta1: constants.beta1, beta2: constants.beta2, epsilon: constants.epsilon)
  }

  var stateNames: [String] { ["exp_avg", "exp_avg_sq"] }

  var skipsUnusedRows: Bool { true }

  func update(_ chunks: [UpdateChunk], factor: Double, gradientScale: Float) {
    chunks.updateEach { chunk in
      let rate = chunk.learningRate * factor
      // From the rounded betas, so that the averages of a constant gradient come out exactly unbiased.
      let kernel = AdamWKernel(
        learningRate: Float(rate), beta1: Float(beta1), beta2: Float(beta2), epsilon: Float(epsilon),
        kept: Float(1 - rate * chunk.weightDecay),
        bias1: Float(1 - power(Double(Float(beta1)), chunk.steps)),
        bias2: Float(1 - power(Double(Float(beta2)), chunk.steps)), gradientScale: gradientScale)
      let update = { (range: Range<Int>) in
        kernel.update(
          range, of: chunk.values, gradient: chunk.gradient, first: chunk.averages[0],
          second: chunk.averages[1])
      }
      guard let usedRows = chunk.usedRows else { return update(chunk.range) }
      usedRows.forEachRun(in: chunk.range) { isUsed, range in
        if isUsed { update(range) } else { kernel.decay(range, of: chunk.values) }
      }
    }
  }
}

extension OptimizerName {
  /// `OptimizerConfig.adamW`.
  public static let adamW = OptimizerName(AdamW.self)
}

extension OptimizerConfig {
  /// Adam with decoupled weight decay and bias correction (Loshchilov & Hutter 2019; `torch.optim.AdamW`).
  public static func adamW(
    beta1: Double = 0.9, beta2: Double = 0.999, epsilon: Double = 1e-8
  ) -> OptimizerConfig {
    OptimizerConfig(AdamW(beta1: beta1, beta2: beta2, epsilon: epsilon))
  }
}

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
