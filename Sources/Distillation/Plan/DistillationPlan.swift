import Cluster
import Encoders
import ModelFormats
import Training

/// Plan of a distillation, worked out before the first step; what `--dry-run` prints.
public struct DistillationPlan: Sendable {
  /// One matched pair of layers.
  public struct Match: Sendable, Equatable {
    /// The teacher's layer or layers in words, such as `layer 8`.
    public let teacherLayer: String
    /// The student's.
    public let studentLayer: String
    /// The loss by its name.
    public let loss: String
    /// Weight of the loss.
    public let weight: Double
    /// The teacher's features for T tokens, such as `[T, 768]`.
    public let teacherShape: String
    /// The student's features, before a projection.
    public let studentShape: String
    /// The projection in words, such as `linear 384 → 768`, nil when there is none.
    public let projection: String?
    /// The number of the projection's parameters, of all where each layer has one.
    public let projectionCount: Int

    fileprivate init(_ match: Distillation.Match) {
      (teacherLayer, teacherShape) = (match.teacher.name, match.teacher.shape)
      (studentLayer, studentShape) = (match.student.name, match.student.shape)
      (loss, weight) = (match.lossName, match.weight)
      let sizes = match.projection.flatMap { p in
        p.studentSize.flatMap { s in p.teacherSize.map { (p.kind, s, $0) } }
      }
      projection = sizes.map { "\($0.0.rawValue) \($0.1) → \($0.2)" }
      projectionCount = sizes.map { ($0.1 * $0.2 + $0.2) * match.projectionCount } ?? 0
    }
  }

  /// Further teachers, and how all are averaged.
  public struct FurtherTeachers: Sendable {
    /// The teachers behind the first.
    public let teachers: [ModelDescription]
    /// The share of each teacher, the first included; they add up to 1.
    public let shares: [Double]
    /// Mean that is taken.
    public let average: TeacherAverage

    /// Teachers behind the first, with the weights of all, the first included.
    public init(_ teachers: [ModelDescription], weights: [Double], average: TeacherAverage) {
      self.teachers = teachers
      let total = weights.reduce(0, +)
      shares = weights.map { $0 / total }
      self.average = average
    }
  }

  /// The teacher, or the first of several.
  public let teacher: ModelDescription
  /// Further teachers; nil where there is one teacher.
  public let furtherTeachers: FurtherTeachers?
  /// The student.
  public let student: ModelDescription
  /// Configuration of the loss.
  public let config: DistillationConfig
  /// The matched layers, in order.
  public let matches: [Match]
  /// The steps (updates) of the run, if they are known.
  public let steps: Int?
  /// The tokens of a micro-batch that the memory estimate is made for.
  public let tokensPerBatch: Int
  /// The longest sequence the memory estimate is made for.
  public let sequenceLength: Int
  /// Place of the teacher's kept answers; nil where they are not kept, or in memory.
  public let cache: CachePlan?
  /// Warnings.
  public let warnings: [Fault]
  private let optimizerStates: Int
  private let optimizerShares: Int
  private let idleWordValues: Int
  private let recomputes: Bool

  /// A plan of a configuration for two models.
  ///
  /// - Parameters:
  ///   - config: What the student learns from.
  ///   - teacher: The teacher's sizes and names.
  ///   - student: The student's.
  ///   - training: Decides the optimizer's memory.
  ///   - steps: The updates of the run, if they are known.
  ///   - tokensPerBatch: The tokens of a micro-batch.
  ///   - sequenceLength: The longest sequence, in tokens.
  ///   - hasLabels: Whether any training example has a label, if that is known.
  ///   - furtherTeachers: The teachers behind the first, if there are any.
  ///   - cache: Where the teacher's answers are kept on disk, if they are.
  ///   - isAligned: Whether teacher and student read different tokens, which are aligned.
  /// - Throws: `DistillationError.invalidConfiguration` with every fault.
  public init(
    _ config: DistillationConfig, teacher: ModelDescription, student: ModelDescription,
    training: TrainingConfig = TrainingConfig(), steps: Int? = nil, tokensPerBatch: Int,
    sequenceLength: Int = 128, hasLabels: Bool? = nil, furtherTeachers: FurtherTeachers? = nil,
    cache: CachePlan? = nil,
    isAligned: Bool = false
  ) throws(DistillationError) {
    try self.init(
      config,
      resolved: config.resolved(
        teacher: teacher, student: student, hasLabels: hasLabels, isAligned: isAligned),
      teacher: teacher, student: student, training: training, steps: steps, tokensPerBatch: tokensPerBatch,
      sequenceLength: sequenceLength, furtherTeachers: furtherTeachers, cache: cache)
  }

  /// A plan of matches and faults that are known already, such as those of a distiller.
  ///
  /// - Parameters:
  ///   - resolved: The matches as they apply to the two models, with everything wrong or doubtful.
  ///   - idleWordValues: The values of the student's word table that the run never touches.
  /// - Throws: `DistillationError.invalidConfiguration` with every fault.
  init(
    _ config: DistillationConfig, resolved: (matches: [Distillation.Match], faults: [Fault]),
    teacher: ModelDescription, student: ModelDescription, training: TrainingConfig, steps: Int?,
    tokensPerBatch: Int, sequenceLength: Int, furtherTeachers: FurtherTeachers?, cache: CachePlan?,
    idleWordValues: Int = 0
  ) throws(DistillationError) {
    let found =
      resolved.faults
      + config.accumulationFaults(
        training.gradientAccumulationSteps, ranks: Ranks.count)
    let faults = found.filter { $0.severity == .fault }
    guard faults.isEmpty else { throw .invalidConfiguration(faults) }
    self.config = config
    self.furtherTeachers = furtherTeachers.flatMap { $0.teachers.isEmpty ? nil : $0 }
    self.teacher = teacher
    self.student = student
    self.steps = steps
    self.tokensPerBatch = tokensPerBatch
    self.sequenceLength = sequenceLength
    self.cache = cache
    warnings = found
    optimizerStates = training.optimizer.stateNames.count
    optimizerShares = training.optimizerShares
    self.idleWordValues = idleWordValues
    recomputes = training.gradientCheckpointing
    matches = resolved.matches.map { Match($0) }
  }

  /// The parameters of all projections.
  public var projectionCount: Int { matches.reduce(0) { $0 + $1.projectionCount } }

  /// The parameters that are trained: the student's and the projections'.
  public var trainableCount: Int { student.trainableCount + projectionCount }

  /// Memory that the run is expected to take, in bytes.
  public var memory: MemoryEstimate {
    MemoryEstimate(
      teacher: teacher, furtherTeachers: furtherTeachers?.teachers ?? [], student: student,
      projectionCount: projectionCount,
      optimizerStates: optimizerStates, optimizerShares: optimizerShares, recomputes: recomputes,
      tokens: tokensPerBatch, sequenceLength: sequenceLength, idleWordValues: idleWordValues)
  }
}

/// Place of a run's kept answers on disk.
public struct CachePlan: Sendable, Equatable {
  /// Size in bytes; nil for answers that were there before.
  public let bytes: Int?
  /// The file or folder.
  public let place: String
  /// Whether the run deletes them at its end.
  public let isTemporary: Bool

  /// A plan of answers in a file or folder.
  public init(bytes: Int?, place: String, isTemporary: Bool) {
    (self.bytes, self.place, self.isTemporary) = (bytes, place, isTemporary)
  }

  /// The plan in words.
  var text: String {
    let size = bytes.map { "\(CacheBudget.text($0)) in " } ?? ""
    return size + place
      + (isTemporary ? " until the end; the teacher runs once" : "; the teacher does not run")
  }
}

/// Estimate of a distillation's memory, by a formula; the true peak is in the run's results.
///
/// With 4 bytes a value, and one of a weight of 8-bit integers: each teacher's parameters once; every trained value once with its gradient and the optimizer's
/// states (two for AdamW, with `zero_stage` 1 divided by the ranks), but for the rows of a word table that no text of the run has; of each of the student's layers, for T tokens, hidden size H, feed-forward size F, A heads and
/// sequences of length L, the T (8 H + F + A L) values that the backward pass needs; T (4 H + F) more for the gradients on
/// their way through a layer; and two layers' worth for the teacher, which keeps nothing. With `gradient_checkpointing` a layer keeps
/// T H values, and one of them all.
public struct MemoryEstimate: Sendable, Equatable {
  /// The parameters of teachers, student and projections, in bytes.
  public let parameters: Int
  /// The gradients of what is trained, in bytes.
  public let gradients: Int
  /// The optimizer's states, in bytes.
  public let optimizer: Int
  /// The activations of one micro-batch, in bytes.
  public let activations: Int

  /// The estimate of a training.
  ///
  /// - Parameter teacher: The teacher; nil for a training on labels alone.
  init(
    teacher: ModelDescription?, furtherTeachers: [ModelDescription], student: ModelDescription,
    projectionCount: Int, optimizerStates: Int, optimizerShares: Int, recomputes: Bool,
    tokens: Int, sequenceLength: Int, idleWordValues: Int
  ) {
    let trained = student.trainableCount + projectionCount - idleWordValues
    let further = furtherTeachers.reduce(0) { $0 + $1.weights.heldBytes }
    parameters = (teacher?.weights.heldBytes ?? 0) + further + student.weights.heldBytes + 4 * projectionCount
    gradients = 4 * trained
    optimizer = 4 * optimizerStates * trained / optimizerShares
    let own = student.cost
    activations =
      4
      * (own.keptValues(ofAllLayers: tokens, sequenceLength: sequenceLength, recomputing: recomputes)
        + own.passingValues(tokens: tokens)
        + 2 * (teacher?.cost.keptValues(tokens: tokens, sequenceLength: sequenceLength) ?? 0))
  }

  /// The sum, in bytes.
  public var total: Int { parameters + gradients + optimizer + activations }
}

extension ModelDescription {
  /// Cost of the encoder.
  fileprivate var cost: EncoderCost {
    EncoderCost(
      layers: layers, hiddenSize: hiddenSize, intermediateSize: intermediateSize, heads: heads)
  }
}
