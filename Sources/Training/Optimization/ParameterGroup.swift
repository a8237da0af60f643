import Tensors

/// Parameters that share a learning rate and a weight decay.
public struct ParameterGroup {
  /// Name of the group in messages and logs, such as `decay` or `projections`.
  public let name: String
  /// The parameters, in a fixed order.
  public let parameters: [Parameter]
  /// The group's own learning rate at factor 1 of the schedule; nil takes the run's rate.
  public let learningRate: Double?
  /// A factor on the run's learning rate (1 changes nothing); not applied to a rate of the group's own.
  public let learningRateFactor: Double
  /// The group's own weight decay; nil takes the run's.
  public let weightDecay: Double?

  /// A group; leave out what the run's settings decide.
  public init(
    name: String, parameters: [Parameter], learningRate: Double? = nil, learningRateFactor: Double = 1,
    weightDecay: Double? = nil
  ) {
    self.name = name
    self.parameters = parameters
    self.learningRate = learningRate
    self.learningRateFactor = learningRateFactor
    self.weightDecay = weightDecay
  }

  /// The groups `decay` and `no_decay` of `transformers`' Trainer: biases and normalisation weights do not decay.
  public static func decayGroups(
    _ parameters: [Parameter], learningRate: Double? = nil, learningRateFactor: Double = 1,
    weightDecay: Double? = nil
  ) -> [ParameterGroup] {
    let decaying = parameters.filter { decays(name: $0.name, rank: $0.shape.rank) }
    let others = parameters.filter { !decays(name: $0.name, rank: $0.shape.rank) }
    let groups = [
      ParameterGroup(
        name: "decay", parameters: decaying, learningRate: learningRate,
        learningRateFactor: learningRateFactor,
        weightDecay: weightDecay),
      ParameterGroup(
        name: "no_decay", parameters: others, learningRate: learningRate,
        learningRateFactor: learningRateFactor, weightDecay: 0),
    ]
    return groups.filter { !$0.parameters.isEmpty }
  }

  /// Whether weight decay applies: `Trainer.get_decay_parameter_names` of transformers 5, by name.
  ///
  /// Trainer also excludes every weight of an `nn.LayerNorm` whatever its name; a name alone cannot tell, so every
  /// parameter of fewer than two axes is excluded, which is the same set in BERT and its relatives.
  public static func decays(name: String, rank: Int) -> Bool {
    if rank < 2 { return false }
    let name = name.lowercased()
    if name.contains("bias") || name.contains("layernorm") || name.contains("rmsnorm") { return false }
    return !name.split(separator: ".").contains { $0 == "norm" || $0.hasSuffix("_norm") }
  }

  /// The learning rate at factor 1 of the schedule, given the run's.
  func resolvedLearningRate(_ base: Double) -> Double { learningRate ?? base * learningRateFactor }
}
