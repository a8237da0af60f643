public import Datasets
public import Encoders
import Kernels
import Tensors
public import Training

/// Pruning of single weights while a model is trained: those with the lowest scores of each matrix in the encoder's layers are
/// zero in every pass, and more of them with time.
public struct WeightPruning: Sendable, Equatable {
  /// Score by which weights stay.
  public enum Score: String, Sendable, CaseIterable {
    /// The absolute value (Zhu and Gupta 2017).
    case magnitude
    /// A learnt score, which grows while training moves a weight away from zero (Sanh, Wolf and Rush 2020, with top-v masks).
    case movement
  }

  /// Score by which weights stay.
  public var score: Score
  /// The share of the weights that stays, step by step.
  public var density: CubicSchedule
  /// The learning rate of scores; 1e-2 is that of Sanh and others.
  public var scoreLearningRate: Double
  /// The weights that stay or go together, by the mean of their scores.
  public var block: WeightBlock

  /// Pruning by a score, as a schedule says.
  public init(
    by score: Score, density: CubicSchedule, block: WeightBlock = .single, scoreLearningRate: Double = 1e-2
  ) {
    precondition(
      (0...1).contains(density.initial) && (0...1).contains(density.final),
      "A density lies in 0 ... 1, found \(density.initial) to \(density.final).")
    (self.score, self.density, self.scoreLearningRate) = (score, density, scoreLearningRate)
    self.block = block
  }
}

/// Objective that prunes single weights of a model on the way to another objective's minimum.
///
/// In a pass the weights are W ⊙ M, M the mask of the highest scores. ∂L/∂W = ∂L/∂(W ⊙ M) ⊙ M; a learnt score S starts at zero
/// and has ∂L/∂S = ∂L/∂(W ⊙ M) ⊙ W, straight through the mask. Between passes the model holds W, so that a weight can
/// come back; evaluate inside `masked` and end with `finish()`.
///
/// ```swift
/// let pruned = WeightPruningObjective(
///   SupervisedObjective(model), of: model, as: WeightPruning(by: .movement, density: schedule), steps: steps)
/// try TrainingLoop(config: config, objective: pruned, data: data, evaluate: { try pruned.masked { try score(model) } }).run()
/// pruned.finish()
/// ```
public final class WeightPruningObjective: TrainingObjective {
  private let base: any TrainingObjective
  private let pruning: WeightPruning
  private let steps: Int
  private let matrices: [MaskedMatrix]
  private var density: Double

  /// An objective on top of another.
  ///
  /// - Parameters:
  ///   - base: The loss of the model.
  ///   - model: The model whose layers are pruned.
  ///   - pruning: How.
  ///   - steps: All updates of the run, which `TrainingConfig` and the data decide.
  public init(_ base: any TrainingObjective, of model: TaskModel, as pruning: WeightPruning, steps: Int) {
    (self.base, self.pruning, self.steps) = (base, pruning, steps)
    matrices = model.prunableWeights.map {
      MaskedMatrix($0, learnsScores: pruning.score == .movement, block: pruning.block)
    }
    density = pruning.density.value(at: 0)
  }

  /// Parameters of the base and learnt scores.
  public var groups: [ParameterGroup] {
    let scores = matrices.compactMap(\.scores)
    guard !scores.isEmpty else { return base.groups }
    return base.groups + [
      ParameterGroup(
        name: "movement_scores", parameters: scores, learningRate: pruning.scoreLearningRate, weightDecay: 0)
    ]
  }

  /// State of the base.
  public var state: [Parameter] { base.state }

  /// Part of the base's loss.
  public func chance(of batch: Batch) -> ChancePart? { base.chance(of: batch) }

  /// Weight of a micro-batch, that of the base.
  public func weight(of batch: Batch) -> Double { base.weight(of: batch) }
  /// Begins the base.
  public func begin() throws { try base.begin() }
  /// Prepares the base for an update.
  public func prepare(for batches: [Batch]) throws { try base.prepare(for: batches) }

  /// The base's loss of the masked model.
  ///
  /// - Throws: What the base throws; the model then holds every weight.
  public func loss(_ batch: Batch, progress: Double, in context: Context) throws -> StepLoss {
    density = pruning.density.value(at: Int((progress * Double(steps)).rounded()))
    for matrix in matrices { matrix.mask(density: density) }
    let tape = context.tape
    tape?.atTheEnd { [matrices] in for matrix in matrices { matrix.passBack() } }
    do {
      let loss = try base.loss(batch, progress: progress, in: context)
      if tape == nil || loss.total.slot == nil { restore() }
      return loss
    } catch {
      restore()
      throw error
    }
  }

  private func restore() {
    for matrix in matrices { matrix.restore() }
  }

  /// Does something with the model as it is when pruned, such as an evaluation.
  public func masked<Result>(_ body: () throws -> Result) rethrows -> Result {
    for matrix in matrices { matrix.mask(density: density) }
    defer { restore() }
    return try body()
  }

  /// Ends the pruning: weights without a place are zero from now on.
  ///
  /// - Returns: The share of the prunable weights that is zero.
  @discardableResult
  public func finish() -> Double {
    density = pruning.density.value(at: steps)
    for matrix in matrices { matrix.mask(density: density, forGood: true) }
    let count = matrices.reduce(0) { $0 + $1.weight.count }
    let zeros = matrices.reduce(0) { $0 + $1.weight.values.count { $0 == 0 } }
    return count == 0 ? 0 : Double(zeros) / Double(count)
  }

  /// The learnt scores by the names of their weights; empty by magnitude.
  package var scores: [String: Parameter] {
    Dictionary(
      uniqueKeysWithValues: matrices.compactMap { matrix in matrix.scores.map { (matrix.weight.name, $0) } })
  }
}

/// A weight with its scores and its mask.
private final class MaskedMatrix {
  let scores: Parameter?
  private let place: StandIn
  private let block: WeightBlock
  private var mask: Tensor

  init(_ weight: Parameter, learnsScores: Bool, block: WeightBlock) {
    (place, self.block) = (StandIn(weight), block)
    scores =
      learnsScores
      ? Parameter(
        name: weight.name + ".mask_scores", value: Tensor(repeating: 0, shape: weight.shape),
        distance: weight.distance) : nil
    mask = Tensor(repeating: 1, shape: weight.shape)
  }

  var weight: Parameter { place.parameter }

  /// Puts W ⊙ M in the place of W.
  func mask(density: Double, forGood: Bool = false) {
    place.put(keeping: !forGood) { whole in
      let ranked = scores?.values ?? whole.values.map { abs($0) }
      mask = Tensor(
        block.mask(of: ranked, inputs: whole.shape.lastDimension, density: density), shape: whole.shape)
      return whole * mask
    }
  }

  /// Puts W back.
  func restore() { place.restore() }

  /// Gives the gradient of W ⊙ M to W and S, and puts W back.
  func passBack() {
    place.passBack { g, whole in
      scores?.slot.add((g * whole).storage)
      return g * mask
    }
  }
}

/// Choice of the highest scores of a matrix.
enum HighestScores {
  /// A mask with ones at the highest scores and zeros elsewhere; of equal scores the first have ones.
  static func mask(of scores: [Float], keeping count: Int) -> [Float] {
    guard count < scores.count else { return [Float](repeating: 1, count: scores.count) }
    guard count > 0 else { return [Float](repeating: 0, count: scores.count) }
    // Whole numbers in the order of the scores: the upper half of their bits first, then the lower.
    let keys = scores.map { key(of: $0) }
    let upper = bin(of: keys.lazy.map { Int($0 >> 16) }, keeping: count)
    let among = keys.lazy.filter { Int($0 >> 16) == upper.bin }.map { Int($0 & 0xFFFF) }
    let lower = bin(of: among, keeping: count - upper.above)
    let threshold = UInt32(upper.bin) << 16 | UInt32(lower.bin)
    var equals = count - upper.above - lower.above
    return keys.map { key in
      if key == threshold {
        equals -= 1
        return equals >= 0 ? 1 : 0
      }
      return key > threshold ? 1 : 0
    }
  }

  /// The bin in which the last one that is kept lies, and the number of keys above it.
  private static func bin(of keys: some Sequence<Int>, keeping count: Int) -> (bin: Int, above: Int) {
    var counts = [Int](repeating: 0, count: 1 << 16)
    for key in keys { counts[key] += 1 }
    var (bin, above) = (counts.count - 1, 0)
    while bin > 0, above + counts[bin] < count {
      above += counts[bin]
      bin -= 1
    }
    return (bin, above)
  }

  /// A number that is greater where the score is; both zeros have one.
  private static func key(of score: Float) -> UInt32 {
    let bits = (score == 0 ? 0 : score).bitPattern
    return bits >> 31 == 1 ? ~bits : bits | 0x8000_0000
  }
}

extension TaskModel {
  /// The weights that pruning of single weights cuts: the matrices in the encoder's layers.
  var prunableWeights: [Parameter] { parameters.filter { isOfLayers($0) && $0.shape.rank > 1 } }
}

/// Magnitude pruning in one shot, without training: the smallest weights of each matrix in the encoder's layers become zero.
public struct MagnitudePruning: CompressionMethod {
  /// The share of those weights that becomes zero.
  public var sparsity: Double
  /// The weights that stay or go together, by the mean of their sizes.
  public var block: WeightBlock

  /// Pruning of a share of the weights, 0 to 1.
  public init(sparsity: Double, block: WeightBlock = .single) {
    (self.sparsity, self.block) = (sparsity, block)
  }

  /// The name `magnitude`.
  public var name: String { "magnitude" }
  /// False: weights are compared with each other.
  public var needsRows: Bool { false }

  /// Makes a copy with zeros.
  ///
  /// - Throws: `CompressionError` for a sparsity that is no share.
  public func callAsFunction(_ model: CompressedModel, rows: CompressionRows?) throws -> CompressedModel {
    guard (0...1).contains(sparsity) else {
      throw CompressionError.request("sparsity: found \(sparsity), expected a share from 0 to 1")
    }
    let copy = try StructuredPruning.model { () throws(ModelError) in try model.model.copy() }
    for weight in copy.prunableWeights {
      let values = weight.values
      let mask = block.mask(
        of: values.map { abs($0) }, inputs: weight.shape.lastDimension, sparsity: sparsity)
      weight.assign(Tensor(zip(values, mask).map(*), shape: weight.shape))
    }
    return model.becoming(
      copy, by: name,
      notes: [block.note])
  }
}
