import CKernels

/// AdamW (Loshchilov and Hutter 2019) in PyTorch's order of operations, on a range of a parameter's values.
///
/// With g the scaled gradient: p ← kept · p; m ← β₁ m + (1 − β₁) g; v ← β₂ v + (1 − β₂) g²;
/// p ← p − rate / bias₁ · m / (√v / √bias₂ + ε).
package struct AdamWKernel {
  private let learningRate: Float
  private let beta1: Float
  private let beta2: Float
  private let epsilon: Float
  private let kept: Float
  private let bias1: Float
  private let bias2: Float
  private let gradientScale: Float

  /// Numbers of one step.
  ///
  /// - Parameters:
  ///   - kept: 1 − learning rate · weight decay.
  ///   - bias1: 1 − β₁ᵗ, with t the steps of the parameter; `bias2` likewise.
  ///   - gradientScale: A factor on the gradient.
  package init(
    learningRate: Float, beta1: Float, beta2: Float, epsilon: Float, kept: Float, bias1: Float, bias2: Float,
    gradientScale: Float
  ) {
    (self.learningRate, self.beta1, self.beta2, self.epsilon) = (learningRate, beta1, beta2, epsilon)
    (self.kept, self.bias1, self.bias2, self.gradientScale) = (kept, bias1, bias2, gradientScale)
  }

  /// Updates some values and their averages, on this thread.
  package func update(
    _ range: Range<Int>, of values: Storage, gradient: Storage, first: Storage, second: Storage
  ) {
    let offset = range.lowerBound
    ps_adamw(
      values.pointer + offset, gradient.pointer + offset, first.pointer + offset, second.pointer + offset,
      Int64(range.count), learningRate, beta1, beta2, epsilon, kept, bias1, bias2, gradientScale)
  }

  /// Updates some values that never had a gradient: nothing but the decay, on this thread.
  package func decay(_ range: Range<Int>, of values: Storage) {
    if kept == 1 { return }
    let part = values.pointer + range.lowerBound
    ps_scale(part, kept, part, Int64(range.count))
  }
}

/// SGD with momentum as PyTorch has it, on a range of a parameter's values.
///
/// With g the scaled gradient plus decay · p: m ← momentum · m + g (m ← g at first); p ← p − rate · m, or with Nesterov's
/// momentum p − rate · (g + momentum · m).
package struct SGDKernel {
  private let learningRate: Float
  private let momentum: Float
  private let weightDecay: Float
  private let isNesterov: Bool
  private let isFirst: Bool
  private let gradientScale: Float

  /// Numbers of one step.
  package init(
    learningRate: Float, momentum: Float, weightDecay: Float, isNesterov: Bool, isFirst: Bool,
    gradientScale: Float
  ) {
    (self.learningRate, self.momentum, self.weightDecay) = (learningRate, momentum, weightDecay)
    (self.isNesterov, self.isFirst, self.gradientScale) = (isNesterov, isFirst, gradientScale)
  }

  /// Updates some values and their momentum, where there is any, on this thread.
  package func update(_ range: Range<Int>, of values: Storage, gradient: Storage, buffer: Storage?) {
    let offset = range.lowerBound
    ps_sgd(
      values.pointer + offset, gradient.pointer + offset, buffer.map { $0.pointer + offset },
      Int64(range.count), learningRate, momentum, weightDecay, isNesterov ? 1 : 0, isFirst ? 1 : 0,
      gradientScale)
  }
}
