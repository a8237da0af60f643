import Cluster
import Kernels
import Tensors

/// Optimizer that updates parameters from their gradients, clipped by their global norm in the same pass.
///
/// Parameters without a gradient are skipped, and their own step count stays, as in PyTorch. Work is cut into chunks of
/// fixed length, so results do not depend on the number of threads.
public final class Optimizer {
  /// The update rule.
  public let config: OptimizerConfig
  /// Groups of the parameters that it updates.
  public let groups: [ParameterGroup]
  /// The run's learning rate, used by groups that have none of their own.
  public let learningRate: Double
  /// The run's weight decay, used by groups that have none of their own.
  public let weightDecay: Double

  /// State of the update rule for one parameter.
  final class State {
    /// The updates this parameter has had.
    var steps = 0
    /// One tensor for each of `UpdateRule.states(of:)`, made at the first update.
    var tensors: [Storage] = []
    /// The rows of a table that have had a gradient since the first update; nil when any may have had one.
    var usedRows: UsedRows?
  }

  /// One parameter with its group's settings and its state.
  struct Entry {
    let parameter: Parameter
    let learningRate: Double
    let weightDecay: Double
    /// Whether the group turns decay off whatever the run's is.
    let isExempt: Bool
    let state = State()
  }
  let entries: [Entry]
  /// The parts of the ranks; nil where each rank has all states.
  var shares: OptimizerShares?

  /// An optimizer over every parameter of the groups.
  ///
  /// - Parameters:
  ///   - config: The update rule.
  ///   - groups: The parameters.
  ///   - learningRate: The run's learning rate.
  ///   - weightDecay: The run's weight decay.
  ///   - layerwiseDecay: The layer-wise decay d of learning rates: a parameter `distance` steps below the answer learns at
  ///     d^distance of its group's rate, which is 1 for heads, d² for the last of n layers and dⁿ⁺² for embeddings, as in
  ///     `_get_layer_lrs` of google-research/electra (`model/optimization.py`).
  /// - Throws: `TrainingError.parameterNames` when two different parameters share a name, or one is in two groups.
  public init(
    _ config: OptimizerConfig, groups: [ParameterGroup], learningRate: Double, weightDecay: Double = 0,
    layerwiseDecay: Double = 1
  ) throws(TrainingError) {
    self.config = config
    self.groups = groups
    self.learningRate = learningRate
    self.weightDecay = weightDecay
    var seen: [String: Int] = [:]
    var entries: [Entry] = []
    for group in groups {
      for parameter in group.parameters {
        seen[parameter.name, default: 0] += 1
        entries.append(
          Entry(
            parameter: parameter,
            learningRate: group.resolvedLearningRate(learningRate)
              * power(layerwiseDecay, parameter.distance),
            weightDecay: group.weightDecay ?? weightDecay, isExempt: group.weightDecay == 0))
      }
    }
    let repeated = seen.filter { $0.value > 1 }.keys.sorted()
    guard repeated.isEmpty else { throw .parameterNames(repeated) }
    self.entries = entries
  }

  /// Shares the states among ranks from now on; a rank that works alone keeps all.
  func share(among ranks: any Communicator) {
    guard ranks.size > 1 else { return }
    let sizes = entries.map { entry in
      config.rule.states(of: entry.parameter.shape).reduce(0) { $0 + $1.shape.count }
    }
    shares = OptimizerShares(of: sizes, among: ranks)
  }

  /// Parameters in the order of the groups.
  public var parameters: [Parameter] { entries.map(\.parameter) }

  /// The size of a checkpoint in bytes, about: each value with its two moments.
  var checkpointBytes: Int { 12 * parameters.reduce(0) { $0 + $1.count } }

  /// Forgets every gradient.
  public func zeroGradients() { for entry in entries { entry.parameter.zeroGradient() } }

  /// The Euclidean norm of all gradients together, summed in a fixed order in double precision.
  public func gradientNorm() -> Double {
    let runs = gradientRuns(of: entries.filter { hasGradient($0.parameter) })
    var sums = [Double](repeating: 0, count: runs.count)
    Parallel.fill(&sums) { index in
      WorkProfile.time(.optimizer) { Reductions.sumOfSquares(runs[index].gradient, runs[index].range) }
    }
    return sums.reduce(0, +).squareRoot()
  }

  /// The factor by which `torch.nn.utils.clip_grad_norm_` scales gradients of this norm; 1 when `maximum` is not positive.
  public static func clippingFactor(norm: Double, maximum: Double) -> Double {
    maximum > 0 ? min(1, maximum / (norm + 1e-6)) : 1
  }

  /// Updates every parameter that has a gradient.
  ///
  /// - Parameters:
  ///   - factor: The schedule's factor on the learning rates.
  ///   - gradientScale: A factor on the gradients, from `clippingFactor`; the gradients themselves stay as they are.
  ///   - rates: The rate that each group's own has come down to; by default none has.
  public func step(
    factor: Double = 1, gradientScale: Double = 1, rates: (Double) -> Double = { $0 }
  ) {
    let active = entries.indices.filter { hasGradient(entries[$0].parameter) }
    for index in active { entries[index].state.steps += 1 }
    let own = active.filter { shares?.isOwn($0) ?? true }.map { entries[$0] }
    for entry in own { prepare(entry) }
    config.rule.update(
      updateChunks(of: own, rates: rates), factor: factor, gradientScale: Float(gradientScale))
    shares?.spread(active.map { ($0, entries[$0].parameter) })
  }

  private func hasGradient(_ parameter: Parameter) -> Bool {
    parameter.isTrainable && !parameter.slot.isEmpty && parameter.slot.storage != nil
  }

  private func prepare(_ entry: Entry) {
    let (state, rows) = (entry.state, entry.parameter.slot.rows)
    if state.tensors.isEmpty {
      state.tensors = config.rule.states(of: entry.parameter.shape).map {
        .lastingZeros(count: $0.shape.count)
      }
      if config.rule.skipsUnusedRows, let rows {
        state.usedRows = UsedRows(count: entry.parameter.count / rows.columns, columns: rows.columns)
      }
    }
    if let used = state.usedRows {
      if let rows, rows.columns == used.columns { used.add(rows.indices) } else { state.usedRows = nil }
    }
  }

  /// Values in a chunk: small enough to balance two or sixty-four cores, large enough to hide the hand-over.
  private static let chunkLength = 1 << 16

  /// The gradients in runs of at most a chunk; of a table only the rows that are not zero.
  private func gradientRuns(of entries: [Entry]) -> [GradientRun] {
    var runs: [GradientRun] = []
    for entry in entries {
      guard let gradient = entry.parameter.slot.storage else { continue }
      if let rows = entry.parameter.slot.rows {
        for row in rows.indices {
          let start = Int(row) * rows.columns
          runs.append(GradientRun(gradient: gradient, range: start..<start + rows.columns))
        }
        continue
      }
      for start in stride(from: 0, to: entry.parameter.count, by: Self.chunkLength) {
        let end = min(start + Self.chunkLength, entry.parameter.count)
        runs.append(GradientRun(gradient: gradient, range: start..<end))
      }
    }
    return runs
  }

  private func updateChunks(of entries: [Entry], rates: (Double) -> Double) -> [UpdateChunk] {
    var chunks: [UpdateChunk] = []
    for (number, entry) in entries.enumerated() {
      guard let gradient = entry.parameter.slot.storage else { continue }
      let used = entry.state.usedRows
      let learningRate = rates(entry.learningRate)
      let length = used.map { max(1, Self.chunkLength / $0.columns) * $0.columns } ?? Self.chunkLength
      for start in stride(from: 0, to: entry.parameter.count, by: length) {
        chunks.append(
          UpdateChunk(
            parameter: number, range: start..<min(start + length, entry.parameter.count),
            shape: entry.parameter.shape, values: entry.parameter.storage, gradient: gradient,
            averages: entry.state.tensors,
            steps: entry.state.steps, learningRate: learningRate, weightDecay: entry.weightDecay,
            isExempt: entry.isExempt, usedRows: used))
      }
    }
    return chunks
  }
}

/// A run of gradients.
private struct GradientRun: Sendable {
  let gradient: Storage
  let range: Range<Int>
}

extension Optimizer {
  /// The name of the first parameter with a value that is not finite; nil when all are.
  package var nonFiniteParameter: String? {
    parameters.first { parameter in
      // In double precision no sum of squares of finite values overflows.
      !Reductions.sumOfSquares(parameter.storage).isFinite
    }?.name
  }

  /// The name of the first parameter whose gradient is not finite; nil when all are.
  var nonFiniteGradient: String? {
    parameters.first { parameter in
      guard let gradient = parameter.gradient else { return false }
      return !Reductions.sumOfSquares(gradient.storage).isFinite
    }?.name
  }

  /// Checks that an update has left all weights finite.
  ///
  /// - Throws: `TrainingError.nonFiniteWeights` with the first parameter and what to do.
  func requireFiniteWeights(after step: Int) throws(TrainingError) {
    guard let parameter = nonFiniteParameter else { return }
    throw .nonFiniteWeights(parameter: parameter, step: step, advice: adviceOnUpdates)
  }

  /// Advice about a loss or gradient that is not finite, by its likely cause.
  ///
  /// - Parameters:
  ///   - isFirst: Whether no update has been made yet since the weights were loaded.
  ///   - parts: The parts of the loss, if they are known.
  func adviceOnOverflow(
    isFirst: Bool, parts: [(name: String, value: Float)] = []
  ) -> String {
    if let parameter = nonFiniteParameter {
      return isFirst
        ? "The weights that the run starts from are not finite, the first of them in \(parameter): take another model, or an "
          + "earlier checkpoint of it."
        : "The weights are not finite, the first of them in \(parameter). " + adviceOnUpdates
    }
    guard isFirst else { return adviceOnUpdates + " Or look at the examples of this step." }
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

  /// Advice about updates that are too large.
  private var adviceOnUpdates: String {
    let decay = learningRate * weightDecay
    if decay >= 1 {
      return
        "Lower weight_decay: it is \(weightDecay), and with learning_rate \(learningRate) each update "
        + "overshoots the weights themselves."
    }
    return "Lower learning_rate, which is \(learningRate), or lengthen the warm-up."
  }
}
