public import Encoders

/// Cubic schedule of Zhu and Gupta (2017): fast while much can go, slow towards the end.
///
/// v(t) = v_f + (v_i − v_f) (1 − (t − t₀) / (t₁ − t₀))³ between the steps t₀ and t₁, v_i before and v_f after. With `every` it
/// changes only at each so many steps after t₀.
public struct CubicSchedule: Sendable, Equatable {
  /// Value before the first step of the change.
  public let initial: Double
  /// Value after the last.
  public let final: Double
  /// Step at which the change begins.
  public let begin: Int
  /// Step at which it ends.
  public let end: Int
  /// Steps between two changes.
  public let every: Int

  /// A schedule from one value to another.
  public init(from initial: Double, to final: Double, begin: Int = 0, end: Int, every: Int = 1) {
    precondition(
      begin >= 0 && end >= begin && every > 0,
      "A schedule runs from a step to a later one, found \(begin) to \(end) in steps of \(every).")
    (self.initial, self.final, self.begin, self.end, self.every) = (initial, final, begin, end, every)
  }

  /// The schedule of Sanh and others (2020): still in the first and last share of a warm-up, cubic between.
  ///
  /// - Parameters:
  ///   - initial: The value in the first `initialWarmup` × `warmup` steps.
  ///   - final: The value in the last `finalWarmup` × `warmup` steps.
  ///   - total: All steps.
  ///   - warmup: The steps of the learning rate's warm-up.
  ///   - initialWarmup: How many such stand before the change, 1 by default.
  ///   - finalWarmup: How many such stand behind it, 2 by default.
  public init(
    from initial: Double, to final: Double, total: Int, warmup: Int, initialWarmup: Int = 1,
    finalWarmup: Int = 2
  ) {
    let begin = min(total, initialWarmup * warmup)
    self.init(from: initial, to: final, begin: begin, end: max(begin, total - finalWarmup * warmup))
  }

  /// The value at a step, counted from 0.
  public func value(at step: Int) -> Double {
    if step >= end { return final }
    if step <= begin { return initial }
    let counted = begin + (step - begin) / every * every
    let left = 1 - Double(counted - begin) / Double(end - begin)
    return final + (initial - final) * left * left * left
  }
}

/// Structured pruning in several steps, with training between them that lets the model recover.
///
/// Sizes follow the cubic schedule from the whole model to the target. Importance is measured anew before each cut; by
/// `logits` against the model before the first.
public struct IterativePruning: Sendable {
  /// Pruning to reach in the end.
  public var pruning: StructuredPruning
  /// The number of cuts.
  public var iterations: Int

  /// Pruning in some cuts.
  public init(_ pruning: StructuredPruning, iterations: Int) {
    precondition(iterations > 0, "Pruning needs at least one cut, found \(iterations).")
    (self.pruning, self.iterations) = (pruning, iterations)
  }

  /// A cut of several.
  public struct Step: Sendable, Equatable {
    /// Number of the cut, from 1.
    public let number: Int
    /// The number of cuts.
    public let count: Int
    /// Size of the model behind it.
    public let size: ModelSize
  }

  /// The sizes behind each cut of a model with even masks, on the cubic schedule.
  ///
  /// - Throws: `CompressionError` for a target that cannot be.
  package func sizes(for config: EncoderConfig) throws(CompressionError) -> [PrunedSizes] {
    try wholeSizes(for: config).map {
      PrunedSizes(
        layers: $0.layers, hiddenSize: $0.hiddenSize, heads: $0.heads, intermediateSize: $0.intermediateSize)
    }
  }

  private func wholeSizes(for config: EncoderConfig) throws(CompressionError) -> [WholeSizes] {
    let (whole, target) = (WholeSizes(config), try pruning.sizes(of: config))
    let schedule = CubicSchedule(from: 1, to: 0, end: iterations)
    return (1...iterations).map {
      whole.between(target, left: schedule.value(at: $0), headSize: config.headSize)
    }
  }

  /// Prunes a model, and trains it behind each cut but the last.
  ///
  /// - Parameters:
  ///   - model: The model, which keeps its values.
  ///   - rows: Rows by which importance is measured.
  ///   - train: Trains what a cut has left, in place or to a model of the same shape; what comes behind the last cut is the
  ///     caller's.
  /// - Throws: `CompressionError` before the first cut for a target that cannot be; what training throws.
  public func callAsFunction(
    _ model: CompressedModel, rows: CompressionRows, train: (TaskModel, Step) throws -> TaskModel
  ) throws -> CompressedModel {
    let steps = try wholeSizes(for: model.model.config)
    let rows = try pruning.required(rows)
    var current = model.model
    for (number, sizes) in zip(1..., steps) {
      let importance = try Importance(
        of: current, on: rows, by: pruning.measure, reference: number == 1 ? nil : model.model)
      current = try pruning.cut(current, to: sizes, by: importance)
      if number < iterations {
        current = try train(current, Step(number: number, count: iterations, size: ModelSize(current)))
      }
    }
    return try pruning.finish(model, current, rows: rows)
  }
}
