import Datasets
import Encoders
import ModelFormats
import Tensors
import Training

/// Pruning by masks that are learnt while a model is trained: whole attention and feed-forward halves of layers, heads, neurons
/// and hidden features (CoFi; Xia, Zhong and Chen 2022).
public struct LearntMasks: Sendable, Equatable {
  /// The share of the parameters in the layers that shall go, from 0 and below 1.
  public var sparsity: Double
  /// The parts that have masks; `layers` are the halves of layers.
  public var parts: Set<PrunedPart>
  /// The learning rate of masks and multipliers; 0.1 is CoFi's default, 0.01 that of its scripts.
  public var learningRate: Double
  /// Updates before the masks begin.
  public var begin: Int
  /// Updates over which the target grows from 0 to `sparsity`, from `begin` on.
  public var warmUp: Int

  /// Masks that leave a share of a model's layers.
  public init(
    sparsity: Double, of parts: Set<PrunedPart> = Set(PrunedPart.allCases), learningRate: Double = 0.1,
    begin: Int = 0, warmUp: Int
  ) {
    (self.sparsity, self.parts, self.learningRate) = (sparsity, parts, learningRate)
    (self.begin, self.warmUp) = (begin, warmUp)
  }

  /// The share that shall be gone after so many updates.
  package func target(at step: Int) -> Double {
    warmUp > 0 ? sparsity * min(1, Double(max(0, step - begin)) / Double(warmUp)) : sparsity
  }

  /// Refuses what cannot be.
  fileprivate func check(_ model: TaskModel) throws(CompressionError) {
    guard model.config.canTakeLayers(of: model.config) else {
      throw .request(
        "a model of type \(model.config.architecture.rawValue) has no heads, neurons and layers that masks could close; a "
          + "Transformer has")
    }
    guard !model.isQuantized else {
      throw .request("the model's weights are 8-bit integers, which are not trained; take the float model")
    }
    guard sparsity >= 0, sparsity < 1 else {
      throw .request("sparsity: found \(sparsity), expected a share from 0 and below 1")
    }
    guard !parts.isEmpty else {
      throw .request("parts: found none, expected some of layers, heads, ffn, hidden")
    }
    guard learningRate > 0, learningRate.isFinite else {
      throw .request("learning rate of the masks: found \(learningRate), expected a number above 0")
    }
    guard begin >= 0, warmUp >= 0 else {
      throw .request("updates: found begin \(begin) and warm-up \(warmUp), expected numbers from 0")
    }
  }
}

/// Objective that learns which parts of a model can go on the way to another objective's minimum.
///
/// In a pass every weight is multiplied by the gates over it, which are drawn anew each time (`HardConcrete`). The loss gets
/// λ₁ (ŝ − t) + λ₂ (ŝ − t)², ŝ the expected sparsity and t its target, on which λ₁ and λ₂ ascend. LayerNorm counts the
/// features whose gate is open; a layer both halves of which are closed is passed by. Between passes the model holds every
/// weight; `cut(as:)` makes the smaller model, in between for an evaluation and at the end.
///
/// ```swift
/// let masks = try LearntMaskObjective(distiller, of: student, as: LearntMasks(sparsity: 0.6, warmUp: 500), steps: steps)
/// try TrainingLoop(config: config, objective: masks, data: data, evaluate: { try score(masks.cut().model) }).run()
/// try masks.cut().model.save(to: folder)
/// ```
///
/// Two things differ from the authors' program. Where one half of a layer goes, its LayerNorm stays, so that zeros can stand for it
/// in `transformers`; there the norm goes too. And hidden features go as whole heads, and from the pooler's output too, so
/// that `config.json` can say it.
public final class LearntMaskObjective: TrainingObjective {
  private let base: any TrainingObjective
  private let model: TaskModel
  private let masks: LearntMasks
  private let steps: Int
  /// Gates and multipliers, which are learnt beside the model.
  package let gates: LearntGates
  private let gated: [GatedParameter]

  /// An objective on top of another.
  ///
  /// - Parameters:
  ///   - base: The loss of the model, such as a `GeneralDistiller` or a `SupervisedObjective`.
  ///   - model: The model whose parts are masked.
  ///   - masks: How.
  ///   - steps: All updates of the run, which `TrainingConfig` and the data decide.
  ///   - seed: Decides where the masks start.
  /// - Throws: `CompressionError.request` for a model without heads and neurons and for masks that cannot be.
  public init(
    _ base: any TrainingObjective, of model: TaskModel, as masks: LearntMasks, steps: Int, seed: UInt64 = 42
  ) throws(CompressionError) {
    try masks.check(model)
    (self.base, self.model, self.masks, self.steps) = (base, model, masks, steps)
    gates = LearntGates(of: masks.parts, in: model.config, seed: seed)
    let halves = GatedParameter.halves(of: model)
    gated = model.parameters.compactMap { GatedParameter($0, halves: halves, in: model.config) }
  }

  /// Parameters of the base, masks, and multipliers.
  public var groups: [ParameterGroup] {
    base.groups + [
      ParameterGroup(
        name: "masks", parameters: gates.parameters, learningRate: masks.learningRate, weightDecay: 0)
    ]
  }

  /// State of the base.
  public var state: [Parameter] { base.state }

  /// Part of the base's loss, where it has a name: the whole has the constraint in it too.
  public func chance(of batch: Batch) -> ChancePart? {
    base.chance(of: batch).flatMap { $0.name == nil ? nil : $0 }
  }

  /// Weight of a micro-batch, that of the base.
  public func weight(of batch: Batch) -> Double { base.weight(of: batch) }
  /// Begins the base.
  public func begin() throws { try base.begin() }
  /// Prepares the base for an update, and keeps the masks' parameters within their bounds.
  public func prepare(for batches: [Batch]) throws {
    gates.constrain()
    try base.prepare(for: batches)
  }

  /// The base's loss of the masked model with the constraint; outside training the gates are those of `cut(as:)`.
  ///
  /// - Throws: What the base throws; the model then holds every weight.
  public func loss(_ batch: Batch, progress: Double, in context: Context) throws -> StepLoss {
    let step = Int((progress * Double(steps)).rounded())
    guard step >= masks.begin else { return try base.loss(batch, progress: progress, in: context) }
    let tape = context.tape
    let gates = self.gates
    let values = context.isTraining ? gates.drawn(from: context.nextRandom()) : gates.settled
    for parameter in gated { parameter.put(values, reaching: tape != nil) }
    tape?.atTheEnd { [gated] in
      var sums: [GateKind: [Double]] = [:]
      for parameter in gated { parameter.passBack(values, to: &sums) }
      gates.add(sums, through: values)
    }
    let outer = context.closed
    context.closed = values.closedParts
    defer { context.closed = outer }
    do {
      let loss = try base.loss(batch, progress: progress, in: context)
      if tape == nil { restore() }
      let target = masks.target(at: step)
      let constraint = gates.constraint(target: target, on: tape)
      return StepLoss(
        loss.total + constraint.loss,
        parts: loss.parts + [
          ("sparsity", Float(constraint.sparsity)), ("target_sparsity", Float(target)),
          ("sparsity_constraint", constraint.loss.item),
        ])
    } catch {
      restore()
      throw error
    }
  }

  private func restore() {
    for parameter in gated { parameter.restore() }
  }

  /// The share of the layers' parameters that is expected to be closed.
  public var expectedSparsity: Double { gates.expectedSparsity().value }

  /// The smaller model that the masks leave now, which computes what the masked model does; this one keeps its values.
  ///
  /// - Parameter form: Form of the result. Masks leave layers unequal, so `loadable` is refused in most cases; `padded`
  ///   loads in `transformers` with zeros.
  /// - Throws: `CompressionError.request` for a form that the result cannot have.
  public func cut(as form: PrunedForm = .compact) throws(CompressionError) -> CompressedModel {
    self.gates.constrain()
    let gates = self.gates.settled
    let pruned = try StructuredPruning.model { () throws(ModelError) in
      let copy = try model.copy()
      let halves = GatedParameter.halves(of: copy)
      for parameter in copy.parameters {
        GatedParameter(parameter, halves: halves, in: copy.config)?.put(gates, forGood: true)
      }
      return try copy.keeping(gates.slice)
    }
    var notes = ["masks learnt for a sparsity of \(masks.sparsity), now \(expectedSparsity)"]
    if gates.closedHalves > 0 {
      notes.append(
        "\(gates.closedHalves) of the halves of layers have gone; a head or neuron whose results are zeros stands for each"
      )
    }
    return try form.finish(CompressedModel(model), pruned, by: "learnt_masks", notes: notes)
  }
}
