import Kernels

/// A run of one parameter's values with everything their update needs.
struct UpdateChunk: Sendable {
  /// Its values among the parameter's.
  let range: Range<Int>
  let values: Storage
  let gradient: Storage
  /// What the update rule remembers, one storage for each of `OptimizerConfig.stateNames`.
  let averages: [Storage]
  let steps: Int
  let learningRate: Double
  let weightDecay: Double
  /// Which rows of a table Adam has to look at; nil for all values.
  let usedRows: UsedRows?

  func update(_ config: OptimizerConfig, factor: Double, gradientScale: Float) {
    let rate = Float(learningRate * factor)
    switch config {
    case .adamW(let beta1, let beta2, let epsilon):
      // From the rounded betas, so that the averages of a constant gradient come out exactly unbiased.
      let kernel = AdamWKernel(
        learningRate: rate, beta1: Float(beta1), beta2: Float(beta2), epsilon: Float(epsilon),
        kept: Float(1 - learningRate * factor * weightDecay),
        bias1: Float(1 - power(Double(Float(beta1)), steps)),
        bias2: Float(1 - power(Double(Float(beta2)), steps)), gradientScale: gradientScale)
      let update = { (range: Range<Int>) in
        kernel.update(range, of: values, gradient: gradient, first: averages[0], second: averages[1])
      }
      guard let usedRows else { return update(range) }
      usedRows.forEachRun(in: range) { isUsed, range in
        if isUsed { update(range) } else { kernel.decay(range, of: values) }
      }
    case .sgd(let momentum, let nesterov):
      SGDKernel(
        learningRate: rate, momentum: Float(momentum), weightDecay: Float(weightDecay), isNesterov: nesterov,
        isFirst: steps == 1, gradientScale: gradientScale
      ).update(range, of: values, gradient: gradient, buffer: averages.first)
    }
  }

  /// base^exponent by squaring: the same bits on every platform, unlike the C library's `pow`.
  private func power(_ base: Double, _ exponent: Int) -> Double {
    var result = 1.0
    var factor = base
    var rest = exponent
    while rest > 0 {
      if rest & 1 == 1 { result *= factor }
      factor *= factor
      rest >>= 1
    }
    return result
  }
}
