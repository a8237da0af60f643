import ModelFormats
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

/// Choice of an encoder's layers that keep their weights: the first so many, or some by their numbers from 0.
public struct FrozenLayers: Sendable, Equatable {
  /// The choice in words: `4` for the first four layers, `0-3,6` for layers by their numbers.
  public let text: String
  /// Runs of layers, counted from 0.
  public let ranges: [ClosedRange<Int>]

  /// The most layers that a choice can name.
  private static let maximum = 100_000

  /// The first layers of an encoder.
  public init(first count: Int) {
    precondition(count > 0 && count <= Self.maximum, "A choice of layers needs one at least, found \(count).")
    self.init("\(count)", [0...count - 1])
  }

  private init(_ text: String, _ ranges: [ClosedRange<Int>]) { (self.text, self.ranges) = (text, ranges) }

  /// A choice in words; nil for text that is none.
  ///
  /// As in Ultralytics' `freeze`, a number alone is the first so many layers, and a list names them.
  public init?(_ text: String) {
    let parts = text.split(separator: ",", omittingEmptySubsequences: false).map { $0.filter { $0 != " " } }
    if parts.count == 1, let count = Int(parts[0]) {
      guard count > 0, count <= Self.maximum else { return nil }
      self.init(first: count)
      return
    }
    var ranges: [ClosedRange<Int>] = []
    for part in parts {
      let ends = part.split(separator: "-", omittingEmptySubsequences: false).map { Int($0) }
      guard let first = ends.first ?? nil, let last = ends.last ?? nil, ends.count <= 2, first >= 0,
        last >= first,
        last < Self.maximum
      else { return nil }
      ranges.append(first...last)
    }
    self.init(parts.joined(separator: ","), ranges.sorted { $0.lowerBound < $1.lowerBound })
  }

  /// Whether a layer is chosen.
  ///
  /// - Parameter layer: Its number from 0.
  public func contains(_ layer: Int) -> Bool { ranges.contains { $0.contains(layer) } }

  /// The highest layer that is named.
  public var last: Int { ranges.map(\.upperBound).max() ?? 0 }
}

extension FrozenLayers: SettingValue {
  package static func read(_ key: String, _ reader: inout FieldReader) -> FrozenLayers? {
    reader.value(key, expected: "a number of first layers, such as 4, or layers from 0, such as 0-3,6") {
      $0.stringValue.flatMap { FrozenLayers($0) } ?? $0.intValue.flatMap { FrozenLayers("\($0)") }
    }
  }

  package var json: JSONValue { .string(text) }
}
