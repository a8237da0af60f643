import Kernels
import Tensors

extension Optimizer {
  /// The name of the first parameter with a value that is not finite; nil when all are.
  package var nonFiniteParameter: String? {
    parameters.first { parameter in
      // In double precision no sum of squares of finite values overflows.
      !Reductions.sumOfSquares(parameter.storage).isFinite
    }?.name
  }

  /// Throws when an update has made weights that are not finite.
  ///
  /// - Throws: `TrainingError.nonFiniteWeights` with the first parameter and what to do.
  func requireFiniteWeights(after step: Int, _ config: TrainingConfig) throws(TrainingError) {
    guard let parameter = nonFiniteParameter else { return }
    throw .nonFiniteWeights(parameter: parameter, step: step, advice: adviceOnUpdates(config))
  }

  /// What to do about a loss or gradient that is not finite, by its likely cause.
  ///
  /// - Parameters:
  ///   - config: The settings of the run.
  ///   - isFirst: Whether no update has been made yet since the weights were loaded.
  ///   - parts: The parts of the loss, if they are known.
  func adviceOnOverflow(
    _ config: TrainingConfig, isFirst: Bool, parts: [(name: String, value: Float)] = []
  ) -> String {
    if let parameter = nonFiniteParameter {
      return isFirst
        ? "The weights that the run starts from are not finite, the first of them in \(parameter): take another model, or an "
          + "earlier checkpoint of it."
        : "The weights are not finite, the first of them in \(parameter). " + adviceOnUpdates(config)
    }
    guard isFirst else { return adviceOnUpdates(config) + " Or look at the examples of this step." }
    // Nothing has been learnt yet, so learning_rate cannot be the cause.
    let broken = parts.filter { !$0.value.isFinite }.map(\.name)
    let place =
      broken.isEmpty
      ? (parts.isEmpty ? "" : "Each part of the loss is finite, so their weights are too large: lower them. ")
      : "Not finite is \(broken.joined(separator: ", ")). "
    return place
      + "No update has been made yet, so learning_rate is not the cause: look at these examples"
      + (parts.isEmpty ? "." : ", at the teacher's answers to them and at the temperature.")
  }

  /// What to do about updates that are too large.
  private func adviceOnUpdates(_ config: TrainingConfig) -> String {
    let decay = config.learningRate * config.weightDecay
    if decay >= 1 {
      return
        "Lower weight_decay: it is \(config.weightDecay), and with learning_rate \(config.learningRate) each update "
        + "overshoots the weights themselves."
    }
    return "Lower learning_rate, which is \(config.learningRate), or lengthen the warm-up."
  }
}
