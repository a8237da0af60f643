import CKernels

/// A run of one parameter's values with everything their update needs.
struct UpdateChunk: @unchecked Sendable {
  // Sendable because no two chunks share a value, and the pass ends before their owners can go.
  /// The first of its values; the pointers below are to the parameter's first.
  let start: Int
  let values: UnsafeMutablePointer<Float>
  let gradient: UnsafeMutablePointer<Float>
  let first: UnsafeMutablePointer<Float>?
  let second: UnsafeMutablePointer<Float>?
  let count: Int
  let steps: Int
  let learningRate: Double
  let weightDecay: Double
  /// Which rows of a table Adam has to look at; nil for all values.
  let usedRows: UsedRows?

  func update(_ config: OptimizerConfig, factor: Double, gradientScale: Float) {
    let rate = Float(learningRate * factor)
    let range = start..<start + count
    switch config {
    case .adamW(let beta1, let beta2, let epsilon):
      // From the rounded betas, so that the averages of a constant gradient come out exactly unbiased.
      let bias1 = Float(1 - power(Double(Float(beta1)), steps))
      let bias2 = Float(1 - power(Double(Float(beta2)), steps))
      let kept = Float(1 - learningRate * factor * weightDecay)
      let update = { (range: Range<Int>) in
        let offset = range.lowerBound
        ps_adamw(
          values + offset, gradient + offset, first.map { $0 + offset }, second.map { $0 + offset },
          Int64(range.count), rate, Float(beta1), Float(beta2), Float(epsilon), kept, bias1, bias2,
          gradientScale)
      }
      guard let usedRows else { return update(range) }
      usedRows.forEachRun(in: range) { isUsed, range in
        if isUsed {
          update(range)
        } else if kept != 1 {
          ps_scale(values + range.lowerBound, kept, values + range.lowerBound, Int64(range.count))
        }
      }
    case .sgd(let momentum, let nesterov):
      ps_sgd(
        values + start, gradient + start, first.map { $0 + start }, Int64(count), rate, Float(momentum),
        Float(weightDecay), nesterov ? 1 : 0, steps == 1 ? 1 : 0, gradientScale)
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
