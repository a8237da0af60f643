/// What one update did, before it is folded into logs.
struct StepResult {
  /// The mean loss over the update's examples.
  let loss: Double
  /// The parts of the loss, averaged alike.
  let parts: [(name: String, value: Double)]
  let gradientNorm: Double
  let learningRate: Double
  let examples: Int
  let tokens: Int
}
