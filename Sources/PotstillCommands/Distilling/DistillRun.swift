import Distillation
import Encoders
import Foundation
import ModelFormats
import TaskData
import Training

/// A distillation between its options and its closing table: models, data and what is done with them.
struct DistillRun {
  /// The two models.
  let pair: TeacherAndStudent
  /// The task.
  let task: TaskDefinition
  /// What the student learns from, as both models read it.
  let examples: [EncodedExample]
  /// BERT-of-Theseus in the place of a distillation; nil for a distillation.
  private(set) var replacing: TheseusRun?
  private let others: FurtherTeachers
  private let validation: TaskExamples?
  private let order: LabelOrder
  private let limit: Int
  private let alignment: AlignedExamples?
  private let caching: CachingOptions
  private let wish: Bool?
  private let folder: URL?
  private let console: Console

  /// Tokenizes the data for all models.
  ///
  /// - Parameters:
  ///   - further: The teachers behind the pair's own.
  ///   - teachers: How several are averaged.
  ///   - caching: How much disk the teacher's answers may take.
  ///   - wish: Whether they shall be; nil leaves it to the run.
  ///   - folder: The run folder; nil for a plan without one.
  init(
    _ pair: TeacherAndStudent, further: [TeacherSide], _ teachers: TeacherOptions, task: TaskDefinition,
    data: RunData, caching: CachingOptions, wish: Bool?, folder: URL?, console: Console
  ) throws {
    self.pair = pair
    self.task = task
    self.console = console
    (self.caching, self.wish, self.folder) = (caching, wish, folder)
    validation = data.validation
    order = try LabelOrder(labels: pair.teacher.config.labels, path: pair.teacher.path, task: task)
    others = try FurtherTeachers(further, teachers, task: task, order: order)
    let (encoded, limit, alignment) = try pair.encode(data.train, of: task, others: others, console: console)
    (self.limit, self.alignment) = (limit, alignment)
    examples = order.relabel(encoded.examples)
  }

  /// Makes this a run of BERT-of-Theseus, once everything fits.
  mutating func replaceLayers(
    _ config: TheseusConfig, distillation: DistillationConfig, seed: UInt64
  ) throws {
    replacing = try TheseusRun(config, pair, others: others, distillation: distillation, seed: seed)
  }

  /// The labelled rows of another run for a student that is as it was before it learnt.
  private init(labelledRowsOf other: DistillRun, _ pair: TeacherAndStudent) {
    self.pair = pair
    examples = other.examples.filter { $0.target != .none }
    (task, validation, order, limit) = (other.task, other.validation, other.order, other.limit)
    (others, console) = (other.others, other.console)
    (alignment, caching, wish, folder) = (nil, other.caching, false, nil)
  }

  /// The run that trains the student, as it was at the beginning, on the labels alone.
  func onLabelsAlone(seed: UInt64) throws -> DistillRun {
    DistillRun(labelledRowsOf: self, try pair.fromTheStart(seed: seed))
  }

  /// What makes a bad student likely, found before the first step; the teacher answers some of the validation rows for it.
  func doubts(_ config: DistillationConfig) throws -> [DistillationFault] {
    var doubts: [DistillationFault?] = []
    if config.usesTeacherLogits {
      for case let teacher? in teachers.map(\.folder) {
        doubts.append(
          try teacher.doubtOfChance(
            on: validation, of: task, limit: alignment == nil ? limit : nil, console: console))
      }
    }
    if !others.sides.isEmpty, !config.usesTeacherLogits {
      doubts.append(
        DistillationFault(
          "teacher",
          "of \(1 + others.sides.count) teachers only \(pair.teacher.path) counts, since kd_loss_weight is 0: layers are "
            + "matched with the first", severity: .warning))
    }
    if pair.hasFreshStudent {
      doubts.append(DistillationGuards.freshStudent(pair.student.path, sequences: examples.count))
    }
    if pair.sharesTokens {
      doubts.append(
        DistillationGuards.unequalLengths(
          teacher: pair.teacher.lengthLimit(task.maxSequenceLength),
          student: pair.student.lengthLimit(task.maxSequenceLength),
          longest: examples.map(\.length).max() ?? 0))
    }
    return doubts.compactMap { $0 }
  }

  /// What a run of one stage would do and need.
  func plan(_ config: DistillationConfig, training: TrainingConfig) throws -> DistillationPlan {
    try pair.plan(
      config, others: others, training: training, examples: examples,
      cache: try keeping(config, training: training, of: try distiller(config, training: training)).plan)
  }

  /// The configuration as the recipe holds it, so that it repeats what was decided about the teacher's answers.
  func recorded(
    _ config: DistillationConfig, training: TrainingConfig, stages: Bool
  ) throws -> DistillationConfig {
    if stages { return config }
    return try keeping(config, training: training, of: try distiller(config, training: training))
      .applied(to: config)
  }

  private func distiller(_ config: DistillationConfig, training: TrainingConfig) throws -> GeneralDistiller {
    try pair.distiller(
      config, others: others, examples: examples, alignment: alignment, seed: training.seed)
  }

  /// How a stage asks its teacher.
  private func keeping(
    _ config: DistillationConfig, training: TrainingConfig, of distiller: GeneralDistiller
  ) throws -> TeacherCaching {
    let given = teachers.compactMap(\.cachePath)
    return try TeacherCaching(
      wish: wish, given: given.isEmpty ? nil : given.joined(separator: ", "), options: caching,
      config: config, parts: distiller.cachedParts, obstacle: distiller.cacheObstacle,
      examples: alignment?.teacher ?? examples,
      epochs: pair.epochs(training, examples: examples), folder: folder)
  }

  /// A distiller whose teacher's answers are kept as the run decides, and what deletes them at the end.
  private func prepared(
    _ config: DistillationConfig, training: TrainingConfig
  ) throws -> (distiller: GeneralDistiller, keeping: TeacherCaching) {
    let distiller = try distiller(config, training: training)
    let keeping = try keeping(config, training: training, of: distiller)
    try keeping.prepare(distiller, teacher: pair.teacher, examples: examples, console: console)
    return (distiller, keeping)
  }

  /// Trains the student, and saves it with its last evaluation into the run folder.
  ///
  /// - Parameters:
  ///   - config: What it learns from.
  ///   - training: How, in the only or the second stage.
  ///   - stage: The first of two stages, which has a folder of its own in that of the run; nil for one stage only.
  ///   - run: The run folder.
  ///   - checkpoint: The checkpoint to go on from, of either stage.
  func train(
    _ config: DistillationConfig, training: TrainingConfig, stage: FeatureStage? = nil, into run: RunFolder,
    resumingFrom checkpoint: URL?
  ) throws {
    var checkpoint = checkpoint
    if let stage {
      let isOfFirst = checkpoint.map(StageFolder.isOfFeatures) ?? true
      if isOfFirst {
        try trainFeatures(stage, config, training, in: run, resumingFrom: checkpoint)
        checkpoint = nil
      }
      console.note("stage 2 of 2: predictions")
    }
    let rows = try validation.map { try pair.student.encode($0, of: task, limit: limit) }
    let score = rows.map { rows in
      { try evaluateTask(pair.student.model, rows, outputs: order.outputs).result }
    }
    let checkpoints = run.checkpoints(of: pair.student, training)
    let observers: [any TrainingObserver] = [run.log, TrainingView(console)]
    if let replacing {
      try replacing.distiller.train(
        examples, score: score, config: training, checkpoints: checkpoints, observers: observers,
        resumingFrom: checkpoint)
    } else {
      let config = stage?.predictions(of: config) ?? config
      let (distiller, keeping) = try prepared(config, training: training)
      try distiller.train(
        examples, score: score, config: training, checkpoints: checkpoints, observers: observers,
        resumingFrom: checkpoint)
      keeping.cleanUp()
    }
    _ = try run.finish(pair.student, evaluation: nil)
  }

  /// Trains the first of two stages, and saves the student as it then is.
  private func trainFeatures(
    _ stage: FeatureStage, _ config: DistillationConfig, _ training: TrainingConfig, in run: RunFolder,
    resumingFrom checkpoint: URL?
  ) throws {
    console.note("stage 1 of 2: features")
    let folder = run.log.directory
    if checkpoint == nil { try StageFolder.removeCheckpoints(in: folder) }
    let url = StageFolder.features(in: folder)
    let features = try RunFolder(OutputFolder(url.relativePath, overwrite: true), recipe: nil)
    let settings = stage.training(training)
    let (distiller, keeping) = try prepared(stage.features(of: config), training: settings)
    try distiller.train(
      examples, config: settings, checkpoints: features.checkpoints(of: pair.student, settings),
      observers: [features.log, TrainingView(console, title: "Features, epoch")], resumingFrom: checkpoint)
    keeping.cleanUp()
    _ = try features.finish(pair.student, evaluation: nil)
  }

  /// Measures the student and writes its answers into the run folder; nil without validation rows.
  func measureStudent(_ run: RunFolder) throws -> Measurement? {
    let path = run.log.directory.relativePath
    let student = ModelFolder(path: path, model: pair.student.model, tokenizer: pair.student.tokenizer)
    guard let measured = try measure(student) else { return nil }
    try measured.write(to: run.log)
    return measured
  }

  /// Measures the teachers, of one that is not there as its cache says; none without validation rows.
  ///
  /// - Parameter metrics: The scores to look for where a cache says them.
  func measureTeachers(_ metrics: [String]) throws -> [Measurement] {
    try teachers.compactMap { side in
      if let folder = side.folder { return try measure(folder) }
      return try validation == nil ? nil : side.answers.map { try Measurement(of: $0.description, metrics) }
    }
  }

  private var teachers: [TeacherSide] { [pair.teacher] + others.sides }

  private func measure(_ model: ModelFolder) throws -> Measurement? {
    try validation.map {
      try Measurement(of: model, on: EvaluationData(task: task, examples: $0), console: console)
    }
  }
}
