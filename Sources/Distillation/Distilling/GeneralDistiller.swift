import Encoders
import Foundation
import ModelFormats
import TaskData
import Tasks
import Tensors
import Tokenization
import Training

/// Distils one teacher into one student: logits, labels, and intermediate layers; TextBrewer's `GeneralDistiller`.
///
/// The teacher runs without dropout and without a tape; only the layers that a match needs are kept. The total loss is
/// kd_loss_weight · Σ KD(logits) + hard_label_weight · Σ losses + Σ weight · match, reported unweighted as
/// `unweighted_kd_loss`, `unweighted_hard_label_loss` and `unweighted_hidden_hidden_mse_1_4` (student layer first), with
/// `kd_kl_divergence` beside them: the part of a cross-entropy that the student can bring to 0.
///
/// A distiller of your own overrides `computeLoss`, as with TextBrewer's, or the weights and temperatures inside it
/// (`kdLossWeight(progress:)`, `hardLabelWeight(progress:)`, `temperatures(student:teacher:)`):
///
/// ```swift
/// final class MyDistiller: GeneralDistiller {
///   override func computeLoss(
///     student: AdaptorResult, teacher: AdaptorResult, batch: LabeledBatch, progress: Double, in context: Context
///   ) throws -> StepLoss {
///     try super.computeLoss(student: student, teacher: teacher, batch: batch, progress: progress, in: context)
///       .adding(myLoss(student, teacher, context), weight: 0.1, name: "unweighted_my_loss")
///   }
/// }
/// ```
open class GeneralDistiller: TrainingObjective {
  /// What the student learns from.
  public let config: DistillationConfig
  /// The model that is imitated, which never changes; nil where only its answers are at hand.
  public var teacher: TaskModel? { frozenTeacher.model }
  /// The model that learns.
  public let student: TaskModel
  /// The matches as they apply to the two models.
  public let matches: [ResolvedMatch]
  /// The projection of each match, nil where there is none, then of each custom match.
  public let projections: [Projection?]
  /// What each match that takes all layers keeps from batch to batch, nil for the others.
  public let transports: [LayerTransport?]
  /// What is doubtful about the configuration, for the user to read.
  public let warnings: [Fault]
  /// The student's parameters by weight decay, then the projections.
  public let groups: [ParameterGroup]
  /// The teacher's logits seen so far, when `cache_teacher_logits` is on.
  public let cache: TeacherCache?

  /// What a batch is labelled with.
  package var targets: (LabeledBatch) -> any TaskTargets

  /// What a cache on disk must keep of each example for this distiller.
  public let cachedParts: [CachedPart]
  /// Why no cache on disk can serve it; nil if one can.
  public let cacheObstacle: String?

  /// The matches by modules' names as they apply to the two models.
  let customMatches: [ResolvedCustomMatch]

  let frozenTeacher: FrozenTeacher
  /// How the teacher's tokens lie to the student's; nil where both read the same.
  package let alignment: AnswerAlignment?
  private let adaptorS: Adaptor?
  private let captureS: Capture
  private let intermediatesS: [String]
  private let kdLoss: KDFunction?
  private let needsTeacher: Bool
  /// The counts of the update at hand; nil where one batch is the whole update.
  private var update: UpdateCounts?

  /// A distiller of two models, once everything fits.
  ///
  /// - Parameters:
  ///   - config: What the student learns from.
  ///   - teacher: The model that is imitated; nil where it is not there, but has answered before.
  ///   - answers: The teacher's answers to the training examples, used instead of asking it; `train` checks that they are
  ///     to these.
  ///   - student: The model that learns.
  ///   - adaptorT: What is used of the teacher's output; by default what fits its head.
  ///   - adaptorS: What is used of the student's output; by default what fits its head.
  ///   - kdLoss: What compares the logits instead of the configuration's `kd_loss_type`.
  ///   - capture: What adaptors need of the models beyond what the matches ask for.
  ///   - intermediates: What `computeLoss` of a subclass needs of teacher and student, by the names of
  ///     `EncoderConfig.intermediates`, beyond what the matches ask for.
  ///   - descriptions: What the configuration is checked against; by default the models' own sizes and labels, of a teacher
  ///     that is not there those in the cache.
  ///   - alignment: The training examples as the teacher reads them, where its tokens are not the student's.
  ///   - hasLabels: Whether any training example has a label, if that is known.
  ///   - seed: Decides the projections' initial weights.
  ///   - projectionPrefix: What the names of the projections' parameters begin with; distillers that train together need
  ///     one each.
  /// - Throws: `DistillationError.invalidConfiguration` with every fault, `.cache` when the answers lack what is needed.
  public init(
    _ config: DistillationConfig, teacher: TaskModel? = nil, answers: TeacherCacheFile? = nil,
    student: TaskModel,
    adaptorT: Adaptor? = nil, adaptorS: Adaptor? = nil, kdLoss: KDFunction? = nil,
    capture: Capture = [], intermediates: (teacher: [String], student: [String]) = ([], []),
    descriptions: (teacher: ModelDescription, student: ModelDescription)? = nil,
    alignment: AlignedExamples? = nil, hasLabels: Bool? = nil, seed: UInt64 = 42,
    projectionPrefix: String = "projections"
  ) throws(DistillationError) {
    let imitated = try ImitatedModel(teacher, answers: answers)
    let (own, other) =
      descriptions ?? (imitated.description, ModelDescription(student, name: "student"))
    var found = config.validate(
      teacher: own, student: other, hasLabels: hasLabels, isAligned: alignment != nil)
    if teacher === student {
      found.append(Fault("student", "teacher and student are one object; load the model twice"))
    }
    if kdLoss != nil, config.temperatureSchedule != .constant {
      found.append(
        Fault(
          "temperature_scheduler",
          "gives each row its own temperature, but a KD loss of your own takes one; set it to none"))
    }
    for (side, names) in [(own, intermediates.teacher), (other, intermediates.student)] {
      for name in names where side.intermediate(named: name) == nil {
        found.append(side.unknownIntermediate(name, field: "intermediates"))
      }
    }
    let faults = found.filter { $0.severity == .fault }
    guard faults.isEmpty else { throw .invalidConfiguration(faults) }
    self.config = config
    self.student = student
    self.adaptorS = adaptorS
    let family = student.config.taskFamily
    targets = { family.targets(of: $0) }
    warnings = found
    matches = config.resolvedMatches(teacher: own, student: other)
    customMatches = config.resolvedCustomMatches(teacher: own, student: other)
    let modules = matches.enumerated().map { index, match in
      match.projections(name: "\(projectionPrefix).\(index)", seed: seed, stream: UInt64(index))
    }
    let customModules = customMatches.enumerated().map { index, match in
      match.projection.flatMap {
        Projection(
          $0, name: "\(projectionPrefix).\(modules.count + index)", seed: seed,
          stream: UInt64(modules.count + index))
      }
    }
    projections = zip(matches, modules).map { $0.match.loss.takesAllLayers ? nil : $1.first } + customModules
    transports = zip(matches, modules).enumerated().map { index, pair in
      pair.0.match.loss.takesAllLayers
        ? LayerTransport(
          name: "\(projectionPrefix).\(index)", students: other.layers, teachers: own.layers,
          projections: pair.1) : nil
    }
    captureS = capture.union(Self.capture(matches, \.studentPositions, other.layers))
    intermediatesS =
      customMatches.map(\.student.name)
      + intermediates.student.compactMap { other.intermediate(named: $0)?.name }
    self.kdLoss = kdLoss
    needsTeacher = config.usesTeacherLogits || !config.matches.isEmpty
    // With matches the teacher's logits are kept on disk beside its layers, or not at all.
    cache =
      config.cacheTeacherLogits && config.usesTeacherLogits && config.matches.isEmpty ? TeacherCache() : nil
    let logits = config.usesTeacherLogits ? CachedPart.logits(of: imitated.config) : []
    cachedParts = logits + CachedPart.parts(for: matches, of: imitated.config)
    frozenTeacher = FrozenTeacher(
      teacher, adaptor: adaptorT ?? Adaptors.teacher(of: imitated.config),
      capture: capture.union(Self.capture(matches, \.teacherPositions, own.layers)),
      intermediates: customMatches.map(\.teacher.name)
        + intermediates.teacher.compactMap { own.intermediate(named: $0)?.name }, cache: cache,
      parts: cachedParts)
    self.alignment = alignment.map {
      AnswerAlignment(examples: $0, family: imitated.config.taskFamily, temperature: config.temperature)
    }
    let isStandard = adaptorT == nil && capture.isEmpty && intermediates.teacher.isEmpty
    cacheObstacle =
      isStandard
      ? config.cacheObstacle(teacher: own)
      : "a cache keeps what the standard adaptor gives, and this distiller needs something else"
    groups =
      ParameterGroup.decayGroups(student.parameters.filter(\.isTrainable))
      + ParameterGroup.projectionGroups(
        matches.map(\.projection) + customMatches.map(\.projection),
        modules + customModules.map { $0.map { [$0] } ?? [] })
    if let answers { try use(answers) }
  }

  /// Everyone who is asked.
  var frozenTeachers: [FrozenTeacher] { [frozenTeacher] }

  /// The files of answers that are used instead of asking.
  var answerFiles: [TeacherCacheFile] { [frozenTeacher.file].compactMap { $0 } }

  /// The layers' weights of the matches that take all layers.
  public var state: [Parameter] { transports.flatMap { $0?.state ?? [] } }

  /// The number of sequences, or tokens where a head reads these; of labelled ones when nothing but labels counts.
  open func weight(of batch: LabeledBatch) -> Double {
    let family = student.config.taskFamily
    return switch family.rows {
    case _ where !needsTeacher: Double(targets(batch).count(starts: batch.tokens.starts))
    case .asked where config.matches.isEmpty:
      Double(targets(batch).rows?.count ?? batch.tokens.tokenCount)
    case .sequences: Double(batch.count)
    case .tokens where family.form == .positions: Double(batch.count)
    case .tokens, .asked: Double(batch.tokens.tokenCount)
    }
  }

  /// The loss of a micro-batch: runs both models and hands what their adaptors make of it to `computeLoss`.
  ///
  /// - Throws: `DistillationError.adaptor` when an adaptor's result does not have what the configuration uses.
  public func loss(_ batch: LabeledBatch, progress: Double, in context: Context) throws -> StepLoss {
    let targets = targets(batch)
    let rows = targets.rows
    let adaptorS = adaptorS ?? Adaptors.student(of: student.config) { _ in targets }
    let output = student(
      batch.tokens, rows: rows, capture: captureS, intermediates: intermediatesS, in: context)
    var own = try adaptorS(batch, output, context)
    own.intermediates.merge(output.intermediates) { given, _ in given }
    var other = AdaptorResult()
    if needsTeacher, let alignment {
      let read = alignment.teacherBatch(of: batch)
      other = try teacherResult(of: read, rows: nil)
      (own, other) = try alignment.aligned(teacher: other, student: own, of: batch, read)
    } else if needsTeacher {
      other = try teacherResult(of: batch, rows: rows)
    }
    return try computeLoss(student: own, teacher: other, batch: batch, progress: progress, in: context)
  }

  /// What the teacher's adaptor makes of its output for a batch.
  func teacherResult(of batch: LabeledBatch, rows: [Int32]?) throws -> AdaptorResult {
    try frozenTeacher.result(of: batch, rows: rows)
  }

  /// The loss of what the two adaptors made of a micro-batch; the one function a distiller of your own overrides.
  ///
  /// - Parameters:
  ///   - student: What is used of the student's output, on the context's tape.
  ///   - teacher: What is used of the teacher's, constants; empty when the configuration needs no teacher.
  ///   - batch: The packed sequences with labels and positions.
  ///   - progress: The share of the run's updates that are done, 0 up to but not including 1.
  ///   - context: The pass the student's output belongs to.
  /// - Throws: `DistillationError.adaptor` when a result does not have what the configuration uses.
  open func computeLoss(
    student own: AdaptorResult, teacher other: AdaptorResult, batch: LabeledBatch, progress: Double,
    in context: Context
  ) throws -> StepLoss {
    var sum = LossSum()
    let factor = updateFactors(of: batch)
    if config.usesTeacherLogits {
      // Squares of start and end scores are a mean over tokens, cross-entropies of them one over sequences.
      let isOfTokens = student.config.taskFamily.form == .positions && config.kdLossType == .mse
      let factor = factor(isOfTokens ? .tokens : .answers)
      let term = LogitsTerm(config, function: kdLoss, temperatures: temperatures)
      let loss = try term.loss(student: own, teacher: other, in: context)
      sum.add(loss, weight: kdLossWeight(progress: progress), factor: factor, name: "unweighted_kd_loss")
      if let divergence = try term.divergence(student: own, teacher: other) {
        sum.add(divergence, weight: 0, factor: factor, name: "kd_kl_divergence")
      }
    }
    if !own.losses.isEmpty {
      sum.add(
        try hardLoss(own), weight: hardLabelWeight(progress: progress), factor: factor(.targets),
        name: "unweighted_hard_label_loss")
    } else if config.usesLosses {
      throw DistillationError.adaptor(
        side: "student", field: "losses",
        message: "is empty, but hard_label_weight is \(config.hardLabelWeight)")
    }
    for (index, match) in matches.enumerated() {
      let term = MatchTerm(
        match: match, projection: projections[index], transport: transports[index],
        starts: batch.tokens.starts, compatibility: config.compatibility)
      let loss = try term.loss(student: own, teacher: other, in: context)
      sum.add(
        loss, weight: match.match.weight, factor: factor(match.match.loss.unit ?? .sequences),
        name: match.match.logName)
    }
    for (match, projection) in zip(customMatches, projections.dropFirst(matches.count)) {
      let term = CustomMatchTerm(match: match, projection: projection, starts: batch.tokens.starts)
      let loss = try term.loss(student: own, teacher: other, in: context)
      sum.add(
        loss, weight: match.match.weight, factor: factor(match.unit(of: student.config.taskFamily)),
        name: match.match.logName)
    }
    return sum.stepLoss
  }

  /// Counts what the losses of an update's micro-batches are means over.
  ///
  /// - Throws: `DistillationError.invalidConfiguration` when there are several and a loss relates the rows of a whole batch.
  public func prepare(for batches: [LabeledBatch]) throws {
    update = nil
    guard batches.count > 1 else { return }
    try checkAccumulation(batches.count)
    var counts = self.counts(of: batches[0])
    for batch in batches.dropFirst() { counts.add(self.counts(of: batch)) }
    update = counts
  }

  private func counts(of batch: LabeledBatch) -> UpdateCounts {
    UpdateCounts(
      of: batch, weight: weight(of: batch), family: student.config.taskFamily, targets: targets(batch),
      alignment: alignment?.examples)
  }

  /// What each loss of a micro-batch is multiplied by; an adaptor of the caller's own says nothing of its rows.
  private func updateFactors(of batch: LabeledBatch) -> (LossUnit) -> Double {
    guard let update, adaptorS == nil else { return { _ in 1 } }
    let own = counts(of: batch)
    return { update.factor(of: $0, in: own) }
  }

  /// The weight of the KD loss at a point of the run; a distiller of your own overrides it for a schedule of its own.
  ///
  /// - Parameter progress: The share of the run's updates that are done, 0 up to but not including 1.
  open func kdLossWeight(progress: Double) -> Double {
    config.kdLossWeightSchedule.weight(
      config.kdLossWeight, progress: progress, compatibility: config.compatibility)
  }

  /// The weight of the labels at a point of the run; a distiller of your own overrides it for a schedule of its own.
  ///
  /// - Parameter progress: The share of the run's updates that are done, 0 up to but not including 1.
  open func hardLabelWeight(progress: Double) -> Double {
    config.hardLabelWeightSchedule.weight(
      config.hardLabelWeight, progress: progress, compatibility: config.compatibility)
  }

  /// The temperature of each row, more than 0, or nil for `config.temperature`; a distiller of your own overrides it for a
  /// schedule of its own.
  ///
  /// - Parameters:
  ///   - student: The student's logits, [rows, classes].
  ///   - teacher: The teacher's logits, [rows, classes].
  open func temperatures(student: Tensor, teacher: Tensor) -> [Float]? {
    config.temperatureSchedule.temperatures(student: student, teacher: teacher, base: config.temperature)
  }

  private func hardLoss(_ result: AdaptorResult) throws -> Tensor {
    for loss in result.losses where loss.count != 1 {
      throw DistillationError.adaptor(
        side: "student", field: "losses", message: "found shape \(loss.shape), expected scalars")
    }
    return result.losses.dropFirst().reduce(result.losses[0]) { $0 + $1 }
  }

  /// The least that gives the layers at some positions.
  private static func capture(
    _ matches: [ResolvedMatch], _ positions: (ResolvedMatch) -> [Int], _ layers: Int
  ) -> Capture {
    var capture: Capture = []
    for match in matches {
      let positions = positions(match)
      if match.comparesAttention { capture.formUnion(.attentionScores) }
      switch match.match.feature {
      case .attention: capture.formUnion(.attentionScores)
      case .selfAttention: positions.forEach { capture.formUnion(.selfAttention(ofLayer: $0)) }
      case .hidden: capture.formUnion(positions.contains(layers) ? .hiddenStates : .innerHiddenStates)
      }
    }
    return capture
  }
}
