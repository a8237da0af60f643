import Datasets
import Encoders
import Foundation
public import ModelFormats
import Tasks
import Tensors
import Tokenization
import Training

/// Distiller that replaces a teacher's blocks of layers with the student's layers, one by one and by chance, in training on the
/// task's loss alone: BERT-of-Theseus (Xu and others 2020).
///
/// Layer i of S stands for block i of the teacher's T layers, those behind ⌊i T / S + ½⌋ up to ⌊(i + 1) T / S + ½⌋. In each
/// update each block is replaced with probability p_t = min(1, k t + b), independently of the others; once p_t is 1 the
/// student trains alone. As with the authors, the teacher's layers never change, the student has the teacher's
/// embeddings and head and keeps them, and the teacher's layers drop out like the student's. Which blocks are replaced
/// depends on the seed and the step alone, so that a resumed run equals an uninterrupted one.
public final class TheseusDistiller: TrainingObjective {
  /// Rate at which blocks are replaced.
  public let config: TheseusConfig
  /// The predecessor; its parameters are frozen.
  public let teacher: TaskModel
  /// The successor; everything but its layers is frozen.
  public let student: TaskModel
  /// The teacher's layers that each of the student's layers stands for, counted from 0.
  public let blocks: [Range<Int>]
  /// The parameters of the student's layers by weight decay.
  public var groups: [ParameterGroup] {
    ParameterGroup.decayGroups(student.parameters.filter(\.isTrainable))
  }

  private let seed: UInt64
  private var hardLabelLoss = HardLabelLoss.plain
  /// The updates of the run, once it is known.
  private var totalSteps = 1

  /// A distiller of two models.
  ///
  /// - Parameters:
  ///   - config: How often blocks are replaced.
  ///   - teacher: The predecessor.
  ///   - student: The successor, made of the teacher's layers; the authors take its first ones.
  ///   - seed: Decides which blocks are replaced.
  /// - Throws: `DistillationError.invalidConfiguration` with every fault.
  public init(
    _ config: TheseusConfig = TheseusConfig(), teacher: TaskModel, student: TaskModel, seed: UInt64 = 42
  ) throws(DistillationError) {
    let faults = config.faults() + Self.faults(teacher: teacher, student: student)
    guard faults.isEmpty else { throw .invalidConfiguration(faults) }
    (self.config, self.teacher, self.student, self.seed) = (config, teacher, student, seed)
    let ends = LayerSelection.uniform.layers(student.config.layerCount, of: teacher.config.layerCount)
    blocks = zip([0] + ends.map { $0 + 1 }, ends).map { $0..<$1 + 1 }
    for parameter in teacher.parameters { parameter.isTrainable = false }
    for parameter in student.parameters where !student.isOfLayers(parameter) { parameter.isTrainable = false }
  }

  /// Trains the student on labelled examples, scoring it alone as the settings say.
  ///
  /// - Parameters:
  ///   - examples: What it sees; those without a label are left out.
  ///   - score: What scores the student when it is due.
  ///   - config: Epochs, batches, learning rate and the like.
  ///   - checkpoints: Where checkpoints go.
  ///   - observers: Told of everything, in this order.
  ///   - point: The checkpoint of the run to go on from.
  /// - Throws: `TrainingError`, and what an observer throws.
  @discardableResult
  public func train(
    _ examples: some ExampleRows, score: (() throws -> EvaluationResult)? = nil, config: TrainingConfig,
    checkpoints: CheckpointFolder? = nil, observers: [any TrainingObserver] = [],
    resumingFrom point: ResumePoint? = nil
  ) throws -> TrainingSummary {
    let data = TrainingData(examples.encodedExamples.withTarget, config: config)
    try student.prepare(as: config)
    hardLabelLoss = try HardLabelLoss(config, of: student, examples: examples)
    totalSteps = try StepPlan(data, config: config).totalSteps
    let loop = TrainingLoop(
      config: config, objective: self, data: data, evaluate: score, checkpoints: checkpoints,
      observers: observers)
    return try loop.run(resumingFrom: point)
  }

  /// The number of labelled sequences, or tokens where these are what the loss is a mean over.
  public func weight(of batch: Batch) -> Double {
    student.config.taskFamily.targets(of: batch).weight(starts: batch.tokens.starts, by: hardLabelLoss)
  }

  /// The whole loss, unless labels are smoothed or weighed.
  public func chance(of batch: Batch) -> ChancePart? { hardLabelLoss == .plain ? ChancePart() : nil }

  /// The task's loss of a micro-batch, some blocks replaced; `replacing_rate` is logged beside it.
  public func loss(_ batch: Batch, progress: Double, in context: Context) throws -> StepLoss {
    let rate = config.rate(at: Int((progress * Double(totalSteps)).rounded()), of: totalSteps)
    let targets = student.config.taskFamily.targets(of: batch)
    let kept = keptBlocks(rate: rate, in: context)
    let logits = student(batch.tokens, rows: targets.rows, keeping: kept, of: teacher, in: context).logits
    return StepLoss(
      targets.loss(logits, starts: batch.tokens.starts, by: hardLabelLoss),
      parts: [("replacing_rate", Float(rate))])
  }

  /// The blocks that are the teacher's this time, nil where the student's layer takes their place.
  ///
  /// The draws come from a source of their own, whose stream is that of the update.
  package func keptBlocks(rate: Double, in context: Context) -> [Range<Int>?] {
    let random = RandomSource(seed: seed &+ Self.seedOffset, stream: context.random.stream)
    return blocks.enumerated().map { random.uniform(at: UInt64($0)) < rate ? nil : $1 }
  }

  /// Keeps the draws apart from dropout's, which start from the run's seed as it is.
  private static let seedOffset: UInt64 = 0x7468_6573_6575_73

  private static func faults(teacher: TaskModel, student: TaskModel) -> [Fault] {
    var faults: [Fault] = []
    let (own, other) = (teacher.config, student.config)
    guard own.canTakeLayers(of: other), own.head == other.head else {
      return [
        Fault(
          "student",
          "its layers cannot take the place of the teacher's: found \(other.architecture.rawValue) of "
            + "\(other.hiddenSize) features, expected \(own.architecture.rawValue) of \(own.hiddenSize); make it of the "
            + "teacher's layers, such as first:\(max(1, own.layerCount / 2))")
      ]
    }
    if other.layerCount > own.layerCount {
      faults.append(
        Fault(
          "student", "found \(other.layerCount) layers, expected at most the teacher's \(own.layerCount)"))
    }
    let values = Dictionary(uniqueKeysWithValues: teacher.parameters.map { ($0.name, $0.values) })
    let changed = student.parameters.first {
      !student.isOfLayers($0) && values[$0.name] != $0.values
    }
    if let changed {
      faults.append(
        Fault(
          "student",
          "its \(changed.name) is not the teacher's, but embeddings and head are shared; make it of the teacher's layers, "
            + "such as first:\(max(1, own.layerCount / 2))"))
    }
    return faults
  }
}

/// Configuration of BERT-of-Theseus: how often a student's layers stand in for their teacher's, under the names of the authors' script.
public struct TheseusConfig: Sendable, Equatable {
  /// The probability of replacing a block at the first step, b (`replacing_rate`), above 0 and at most 1.
  public var replacingRate: Double
  /// Growth of the probability in each step, k (`scheduler_linear_k`): min(1, k t + b) at step t, from 0.
  public var schedulerLinearK: Double?
  /// The steps with the constant probability b, after which every block is replaced (`steps_for_replacing`).
  public var stepsForReplacing: Int?

  /// A curriculum; without `schedulerLinearK` and `stepsForReplacing` the probability grows linearly to 1 in the first half of
  /// the run, and the second half trains the student alone.
  public init(
    replacingRate: Double = 0.3, schedulerLinearK: Double? = nil, stepsForReplacing: Int? = nil
  ) {
    self.replacingRate = replacingRate
    self.schedulerLinearK = schedulerLinearK
    self.stepsForReplacing = stepsForReplacing
  }

  /// The curriculum under the names of the authors' script; null where the default counts.
  public var json: JSONValue {
    [
      "replacing_rate": .double(replacingRate),
      "scheduler_linear_k": schedulerLinearK.map { .double($0) } ?? .null,
      "steps_for_replacing": stepsForReplacing.map { .integer($0) } ?? .null,
    ]
  }

  /// The probability of replacing a block at a step.
  ///
  /// - Parameters:
  ///   - step: The updates that are done.
  ///   - totalSteps: The updates of the run.
  public func rate(at step: Int, of totalSteps: Int) -> Double {
    if let steps = stepsForReplacing { return step < steps ? replacingRate : 1 }
    let growth = schedulerLinearK ?? (1 - replacingRate) * 2 / Double(max(1, totalSteps))
    return min(1, growth * Double(step) + replacingRate)
  }

  /// Everything that is wrong with the numbers.
  func faults() -> [Fault] {
    var faults: [Fault] = []
    if !(replacingRate > 0 && replacingRate <= 1) {
      faults.append(
        Fault("replacing_rate", "found \(replacingRate), expected more than 0 and at most 1"))
    }
    if let k = schedulerLinearK, !(k >= 0 && k.isFinite) {
      faults.append(Fault("scheduler_linear_k", "found \(k), expected at least 0"))
    }
    if let steps = stepsForReplacing, steps < 0 {
      faults.append(Fault("steps_for_replacing", "found \(steps), expected at least 0"))
    }
    if schedulerLinearK != nil, stepsForReplacing != nil {
      faults.append(
        Fault(
          "steps_for_replacing",
          "is for a constant rate, but scheduler_linear_k asks for one that grows; give one of the two"))
    }
    return faults
  }
}
