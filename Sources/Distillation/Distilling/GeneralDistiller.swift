import Cluster
import Datasets
import Encoders
import Foundation
import ModelFormats
import Tasks
import Tensors
import Tokenization
import Training

/// Distiller of a teacher, or several, into one student: logits, labels, and intermediate layers; TextBrewer's
/// `GeneralDistiller` and, with a `TeacherEnsemble`, its `MultiTeacherDistiller`.
///
/// The loss is a sum of terms, and only the inner values that a term needs are kept. The total loss is
/// kd_loss_weight · Σ KD(logits) + hard_label_weight · Σ losses + Σ weight · match, reported unweighted as
/// `unweighted_kd_loss`, `unweighted_hard_label_loss` and `unweighted_hidden_hidden_mse_1_4` (student layer first), with
/// `kd_kl_divergence` beside them, the part of a cross-entropy that the student can bring to 0, and `temperature`, the mean of the
/// rows', where each has its own.
///
/// A loss of your own is another `LossTerm`. A distiller of your own overrides `computeLoss`, as with TextBrewer's, or the weights and temperatures inside it
/// (`kdLossWeight(progress:)`, `hardLabelWeight(progress:)`, `temperatures(student:teacher:)`):
///
/// ```swift
/// final class MyDistiller: GeneralDistiller {
///   override func computeLoss(
///     student: Answers, teacher: Answers, batch: Batch, progress: Double, in context: Context
///   ) throws -> StepLoss {
///     try super.computeLoss(student: student, teacher: teacher, batch: batch, progress: progress, in: context)
///       .adding(myLoss(student, teacher, context), weight: 0.1, name: "unweighted_my_loss")
///   }
/// }
/// ```
open class GeneralDistiller: TrainingObjective {
  /// Configuration of the loss.
  public let config: DistillationConfig
  /// Teacher that is imitated.
  public internal(set) var teacher: any Teacher
  /// Model that learns.
  public let student: TaskModel
  /// Matches as they apply to teacher and student: those of layers, then those of named modules.
  public let matches: [Match]
  /// Projection of each match, nil where there is none or each layer has one.
  public let projections: [Projection?]
  /// State of each match that takes all layers from batch to batch, nil for the others.
  public let transports: [LayerTransport?]
  /// Doubts about the configuration, for the user to read.
  public let warnings: [Fault]
  /// Student's parameters by weight decay, those that are frozen left out, then the projections and what terms have.
  public var groups: [ParameterGroup] {
    ParameterGroup.decayGroups(student.parameters.filter(\.isTrainable)) + projectionGroups
      + ownTerms.flatMap(\.groups)
  }
  /// Rows that a cache on disk must keep of each example for this distiller.
  public let cachedParts: [CachedPart]
  /// Reason why no cache on disk can serve it; nil if one can.
  public let cacheObstacle: String?

  /// Targets of a batch.
  package var targets: (Batch) -> any TaskTargets
  /// Way in which hard labels are learnt; `train` takes it from its settings.
  package var hardLabelLoss = HardLabelLoss.plain

  private let adaptor: Adaptor?
  private let kdLoss: KDFunction?
  private let ownTerms: [any LossTerm]
  private let studentTaps: Set<String>
  private let teacherTaps: Set<String>
  /// Work that the teacher needs before the first update, once; nil for none.
  var preparation: (() throws -> Void)?
  private let needsTeacher: Bool
  private let projectionGroups: [ParameterGroup]
  /// Temperatures of the rows of the micro-batch at hand, where each has its own.
  private var rowTemperatures: [Float] = []
  /// Counts of the update at hand; nil where one batch is the whole update.
  private var update: UpdateCounts?

  private lazy var logitsTerm = LogitsTerm(
    config, function: kdLoss,
    temperatures: { [unowned self] in
      let rows = temperatures(student: $0, teacher: $1)
      rowTemperatures += rows ?? []
      return rows
    },
    weight: { [unowned self] in kdLossWeight(progress: $0) })
  private lazy var labelsTerm = LabelsTerm { [unowned self] in hardLabelWeight(progress: $0) }
  private lazy var matchTerms = matches.indices.map { index in
    MatchTerm(
      match: matches[index], projection: projections[index], transport: transports[index],
      compatibility: config.compatibility)
  }

  /// A distiller of a teacher that is a model; see `init(_:teacher:student:description:adaptor:kdLoss:terms:hasLabels:seed:projectionPrefix:)`.
  ///
  /// - Throws: `DistillationError.invalidConfiguration` with every fault.
  public convenience init(
    _ config: DistillationConfig, teacher: TaskModel, student: TaskModel, hasLabels: Bool? = nil,
    seed: UInt64 = 42
  ) throws(DistillationError) {
    try self.init(
      config, teacher: LiveTeacher(teacher), student: student, hasLabels: hasLabels, seed: seed)
  }

  /// A distiller of a teacher into a student.
  ///
  /// - Parameters:
  ///   - config: The configuration of the loss.
  ///   - teacher: The teacher, or a `TeacherEnsemble`; with `cache_teacher_logits` and no matches its logits are kept in memory.
  ///   - student: The model that learns.
  ///   - description: The student as the configuration is checked against it; by default its own sizes and labels.
  ///   - adaptor: The reader of the student's output; by default what fits its head.
  ///   - kdLoss: A loss between logits in the place of the configuration's `kd_loss_type`.
  ///   - terms: Further terms of the loss.
  ///   - hasLabels: Whether any training example has a label, if that is known.
  ///   - seed: Decides the projections' initial weights.
  ///   - projectionPrefix: The prefix of the projections' parameters; distillers that train together need one each.
  /// - Throws: `DistillationError.invalidConfiguration` with every fault, `.cache` when a teacher's kept answers lack what is
  ///   needed.
  public init(
    _ config: DistillationConfig, teacher: any Teacher, student: TaskModel,
    description: ModelDescription? = nil, adaptor: Adaptor? = nil, kdLoss: KDFunction? = nil,
    terms: [any LossTerm] = [], hasLabels: Bool? = nil, seed: UInt64 = 42,
    projectionPrefix: String = "projections"
  ) throws(DistillationError) {
    let (own, other) = (description ?? ModelDescription(student, name: "student"), teacher.description)
    let resolved = config.resolved(
      teacher: other, student: own, hasLabels: hasLabels, isAligned: teacher.alignment != nil)
    var found = resolved.faults + teacher.faults(with: config, student: own, hasLabels: hasLabels)
    if teacher.sources.contains(where: { $0.model === student }) {
      found.append(Fault("student", "teacher and student are one object; load the model twice"))
    }
    if kdLoss != nil, config.temperatureSchedule != .constant {
      found.append(
        Fault(
          "temperature_scheduler",
          "gives each row its own temperature, but a KD loss of your own takes one; set it to none"))
    }
    for (model, names) in [(other, terms.flatMap(\.teacherTaps)), (own, terms.flatMap(\.studentTaps))] {
      for name in names where !model.hasTap(name) {
        found.append(model.unknownIntermediate(name, field: "terms"))
      }
    }
    let faults = found.filter { $0.severity == .fault }
    guard faults.isEmpty else { throw .invalidConfiguration(faults) }
    (self.config, self.student, self.adaptor, self.kdLoss) = (config, student, adaptor, kdLoss)
    ownTerms = terms
    let family = student.config.taskFamily
    targets = { family.targets(of: $0) }
    warnings = found
    matches = resolved.matches
    let modules = matches.enumerated().map { index, match in
      match.projections(name: "\(projectionPrefix).\(index)", seed: seed, stream: UInt64(index))
    }
    projections = zip(matches, modules).map { $0.takesAllLayers ? nil : $1.first }
    transports = zip(matches, modules).enumerated().map { index, pair in
      pair.0.takesAllLayers
        ? LayerTransport(
          name: "\(projectionPrefix).\(index)", students: own.layers, teachers: other.layers,
          projections: pair.1) : nil
    }
    studentTaps = Set(matches.flatMap(\.student.names) + terms.flatMap(\.studentTaps))
    teacherTaps = Set(matches.flatMap(\.teacher.names) + terms.flatMap(\.teacherTaps))
    needsTeacher = config.usesTeacherLogits || !matches.isEmpty || terms.contains(where: \.needsTeacher)
    // With matches the teacher's logits are kept on disk beside its layers, or not at all.
    let keeps = config.cacheTeacherLogits && config.usesTeacherLogits && matches.isEmpty
    self.teacher = keeps ? teacher.remembering() : teacher
    let source = teacher.sources[0]
    let answering = (source as? StoredTeacher)?.config ?? source.model?.config
    cachedParts =
      answering.map {
        (config.usesTeacherLogits ? CachedPart.logits(of: $0) : [])
          + CachedPart.parts(for: resolved.matches, of: $0)
      } ?? []
    let isStandard = source is StoredTeacher || (source as? LiveTeacher)?.isStandard == true
    cacheObstacle =
      isStandard && terms.allSatisfy(\.teacherTaps.isEmpty)
      ? config.cacheObstacle(teacher: other, matches: matches)
      : "a cache keeps what the standard adaptor gives, and this distiller needs something else"
    projectionGroups = ParameterGroup.projectionGroups(matches.map(\.projection), modules)
    if teacher.sources.contains(where: { $0 is StoredTeacher }) {
      if let cacheObstacle, let stored = source as? StoredTeacher {
        throw .cache(file: stored.file.url.path, message: cacheObstacle)
      }
      try checkAnswers()
    }
  }

  /// Logits that are kept in memory; nil where none are.
  public var cache: TeacherCache? { (teacher as? RememberingTeacher)?.cache }

  /// Layers' weights of the matches that take all layers.
  public var state: [Parameter] { transports.flatMap { $0?.state ?? [] } }

  /// The number of sequences, or tokens where a head reads these; of labelled ones when nothing but labels counts.
  open func weight(of batch: Batch) -> Double {
    guard needsTeacher else { return targets(batch).weight(starts: batch.tokens.starts, by: hardLabelLoss) }
    let family = student.config.taskFamily
    return switch family.rows {
    case .asked where matches.isEmpty:
      Double(targets(batch).rows?.count ?? batch.tokens.tokenCount)
    case .sequences: Double(batch.count)
    case .tokens where family.form == .positions: Double(batch.count)
    case .tokens, .asked: Double(batch.tokens.tokenCount)
    }
  }

  /// The loss of a micro-batch: runs the student, asks the teacher and hands their answers to `computeLoss`.
  ///
  /// - Throws: `DistillationError.adaptor` when answers do not have what a term uses, and what the teacher throws.
  public func loss(_ batch: Batch, progress: Double, in context: Context) throws -> StepLoss {
    let targets = targets(batch)
    let rows = targets.rows
    let adaptor = adaptor ?? Adaptors.student(of: student.config, loss: hardLabelLoss) { _ in targets }
    let (outer, taps) = (context.taps, Taps(studentTaps.union(context.taps?.names ?? [])))
    context.taps = taps
    defer { context.taps = outer }
    let output = student(batch.tokens, rows: rows, in: context)
    var own = try adaptor(batch, output, context)
    own.add(taps)
    outer?.keep(taps)
    var other = Answers()
    if needsTeacher {
      other = try teacher.answers(
        to: batch,
        wanting: AnswerRequest(
          logits: config.usesTeacherLogits, taps: teacherTaps, rows: rows, temperature: config.temperature))
      try own.choose(like: other)
    }
    return try computeLoss(student: own, teacher: other, batch: batch, progress: progress, in: context)
  }

  /// The loss of both sides' answers to a micro-batch; the one function a distiller of your own overrides.
  ///
  /// - Parameters:
  ///   - student: The student's answers, on the context's tape.
  ///   - teacher: The teacher's, constants; empty when no term needs a teacher.
  ///   - batch: The packed sequences with labels and positions.
  ///   - progress: The share of the run's updates that are done, 0 up to but not including 1.
  ///   - context: The pass the student's answers belong to.
  /// - Throws: `DistillationError.adaptor` when answers do not have what a term uses.
  open func computeLoss(
    student own: Answers, teacher other: Answers, batch: Batch, progress: Double,
    in context: Context
  ) throws -> StepLoss {
    var sum = LossSum()
    let factor = updateFactors(of: batch)
    func add(_ term: any LossTerm, meanOver unit: LossUnit?) throws {
      let loss = try term.loss(student: own, teacher: other, batch: batch, in: context)
      sum.add(
        loss, weight: term.weight(progress: progress), factor: unit.map(factor) ?? 1, name: term.name)
    }
    if config.usesTeacherLogits {
      // Squares of start and end scores are a mean over tokens, cross-entropies of them one over sequences.
      let isOfTokens = student.config.taskFamily.form == .positions && config.kdLossType == .mse
      rowTemperatures = []
      try add(logitsTerm, meanOver: isOfTokens ? .tokens : .answers)
      if !rowTemperatures.isEmpty {
        let mean = rowTemperatures.reduce(0, +) / Float(rowTemperatures.count)
        sum.add(Tensor(mean), weight: 0, factor: factor(.answers), name: "temperature")
      }
      if logitsTerm.hasDivergence(own.logitsKind) {
        try add(DivergenceTerm(logits: logitsTerm), meanOver: isOfTokens ? .tokens : .answers)
      }
    }
    if !own.losses.isEmpty {
      try add(labelsTerm, meanOver: .targets)
    } else if config.usesLosses {
      throw DistillationError.adaptor(
        side: "student", field: "losses",
        message: "is empty, but hard_label_weight is \(config.hardLabelWeight)")
    }
    for term in matchTerms { try add(term, meanOver: term.match.unit(of: student.config.taskFamily)) }
    for term in ownTerms { try add(term, meanOver: nil) }
    return sum.stepLoss
  }

  /// Part of the labels where they are learnt as they are, else that of the teacher's logits; nil for losses without a guess.
  ///
  /// Logits are compared where the loss is a cross-entropy of classes, all of which a guess takes for as likely. An adaptor or a KD loss
  /// of the caller's own has no guess.
  open func chance(of batch: Batch) -> ChancePart? {
    guard adaptor == nil else { return nil }
    let family = student.config.taskFamily
    let classes = family.answersWithTokens ? student.config.vocabularySize : student.config.labels.count
    let guess = log(Double(max(1, classes)))
    if config.hardLabelWeight > 0 {
      guard hardLabelLoss == .plain else { return nil }
      return ChancePart(labelsTerm.name, level: family.answersWithTokens ? guess : nil)
    }
    let isEntropy =
      kdLoss == nil && config.kdLossType == .ce && family.form == .classes
      && config.temperatureSchedule == .constant && !config.logitStandardization
    guard config.usesTeacherLogits, isEntropy else { return nil }
    let scale = config.compatibility == .textbrewer ? 1 : config.temperature * config.temperature
    return ChancePart(logitsTerm.name, level: scale * guess)
  }

  /// Makes the teacher ready where that was left to the first update.
  ///
  /// - Throws: What asking it throws.
  public func begin() throws {
    let work = preparation
    preparation = nil
    try work?()
    let ranks = Ranks.process
    if ranks.size > 1, needsTeacher { for memory in teacher.memories { try memory.ask(over: ranks) } }
  }

  /// Counts what the losses of an update's micro-batches are means over.
  ///
  /// - Throws: `DistillationError.invalidConfiguration` when there are several and a loss relates the rows of a whole batch.
  public func prepare(for batches: [Batch]) throws {
    update = nil
    guard batches.count > 1 else { return }
    try checkAccumulation(batches.count)
    var counts = self.counts(of: batches[0])
    for batch in batches.dropFirst() { counts.add(self.counts(of: batch)) }
    update = counts
  }

  private func counts(of batch: Batch) -> UpdateCounts {
    UpdateCounts(
      of: batch, weight: weight(of: batch), family: student.config.taskFamily, targets: targets(batch),
      loss: hardLabelLoss, alignment: teacher.alignment)
  }

  /// Factors of the losses of a micro-batch by their units; an adaptor of the caller's own says nothing of its rows.
  private func updateFactors(of batch: Batch) -> (LossUnit) -> Double {
    guard let update, adaptor == nil else { return { _ in 1 } }
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
}
