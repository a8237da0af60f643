import Distillation
import Encoders
import Foundation
import ModelFormats
import TaskData
import Tasks
import Tensors
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
  /// A fingerprint of the student before it learns.
  private let start: String

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
    pair.nameOutputs(by: task)
    others = try FurtherTeachers(further, teachers, task: task, order: order)
    let (encoded, limit, alignment) = try pair.encode(data.train, of: task, others: others, console: console)
    (self.limit, self.alignment) = (limit, alignment)
    examples = order.relabel(encoded.examples)
    start = Parameter.fingerprint(of: pair.student.model.parameters)
  }

  /// Makes this a run of BERT-of-Theseus, once everything fits.
  mutating func replaceLayers(
    _ config: TheseusConfig, distillation: JSONObject, seed: UInt64
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
    start = Parameter.fingerprint(of: pair.student.model.parameters)
    pair.nameOutputs(by: task)
  }

  /// The run that trains the student, as it was at the beginning, on the labels alone.
  func onLabelsAlone(seed: UInt64) throws -> DistillRun {
    DistillRun(labelledRowsOf: self, try pair.fromTheStart(seed: seed))
  }

  /// What makes a bad student likely, found before the first step; the teacher answers some of the validation rows for it.
  func doubts(_ config: DistillationConfig) throws -> [Fault] {
    var doubts: [Fault?] = []
    if config.usesTeacherLogits {
      for case let teacher? in teachers.map(\.folder) {
        doubts.append(
          try teacher.doubtOfChance(
            on: validation, of: task, limit: alignment == nil ? limit : nil, console: console))
      }
    }
    if !others.sides.isEmpty, !config.usesTeacherLogits {
      doubts.append(
        Fault(
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
    _ config: DistillationConfig, training: TrainingConfig, watch: SignalWatch
  ) throws -> (distiller: GeneralDistiller, keeping: TeacherCaching) {
    let distiller = try distiller(config, training: training)
    let keeping = try keeping(config, training: training, of: distiller)
    watch.start()
    try keeping.prepare(
      distiller, teacher: pair.teacher, examples: examples, watch: watch, console: console)
    return (distiller, keeping)
  }

  /// What a stage starts from, by which its checkpoints know it.
  ///
  /// - Parameters:
  ///   - config: What the student learns from in this stage.
  ///   - keeping: How its teacher is asked; nil where it is not.
  ///   - stage: The first of two stages, which decides the student's weights before the second.
  ///   - validation: The rows it is scored on.
  private func origin(
    _ config: DistillationConfig, keeping: TeacherCaching?, stage: FeatureStage? = nil,
    validation: EncodedTask? = nil
  ) throws -> RunOrigin {
    var settings = config.json.objectValue ?? JSONObject()
    let asksTeacher = config.usesTeacherLogits || !config.matches.isEmpty
    settings["teacher_answers"] = asksTeacher ? keeping.map { .string($0.identity) } : nil
    settings["teacher_weights"] = others.sides.isEmpty ? nil : .array(others.weights.map { .double($0) })
    settings["teacher_average"] = others.sides.isEmpty ? nil : .string(others.average.rawValue)
    settings["theseus"] = replacing?.distiller.config.json
    settings["feature_stage"] = stage?.json
    return RunOrigin(
      model: start, teachers: asksTeacher || replacing != nil ? teachers.compactMap(\.fingerprint) : [],
      validation: validation.map { EncodedExample.fingerprint(of: $0.examples) }, settings: settings)
  }

  /// Trains the student, and saves it with its last evaluation into the run folder.
  ///
  /// - Parameters:
  ///   - config: What it learns from.
  ///   - training: How, in the only or the second stage.
  ///   - stage: The first of two stages, which has a folder of its own in that of the run; nil for one stage only.
  ///   - run: The run folder.
  ///   - point: Where to go on from, in either stage.
  func train(
    _ config: DistillationConfig, training: TrainingConfig, stage: FeatureStage? = nil, into run: RunFolder,
    resumingFrom point: ResumePoint?
  ) throws {
    let watch = SignalWatch(console)
    defer { watch.stop() }
    let rows = try validation.map { try pair.student.encode($0, of: task, limit: limit) }
    let score = rows.map { rows in
      { try evaluateTask(pair.student.model, rows, outputs: order.outputs).result }
    }
    let observers: [any TrainingObserver] = [
      run.beginning, run.log, TrainingView(console), watch,
    ]
    if let replacing {
      try replacing.distiller.train(
        examples, score: score, config: training,
        checkpoints: run.checkpoints(
          of: pair.student, origin: try origin(config, keeping: nil, validation: rows)),
        observers: observers, resumingFrom: point)
    } else {
      let predictions = stage?.predictions(of: config) ?? config
      func checkpoints(_ keeping: TeacherCaching) throws -> CheckpointFolder {
        run.checkpoints(
          of: pair.student, origin: try origin(predictions, keeping: keeping, stage: stage, validation: rows))
      }
      var point = point
      if let stage {
        let isInFirstStage = try isInFirstStage(point, training) {
          try checkpoints(
            self.keeping(
              predictions, training: training, of: self.distiller(predictions, training: training)))
        }
        if isInFirstStage {
          try trainFeatures(stage, config, training, in: run, watch: watch, resumingFrom: point)
          point = nil
        }
        console.note("stage 2 of 2: predictions")
      }
      let (distiller, keeping) = try prepared(predictions, training: training, watch: watch)
      let checkpoints = try checkpoints(keeping)
      try distiller.train(
        examples, score: score, config: training, checkpoints: checkpoints, observers: observers,
        resumingFrom: point)
      keeping.cleanUp()
    }
    _ = try run.finish(pair.student, evaluation: nil)
  }

  /// Whether a run of two stages begins, or goes on, with the first.
  private func isInFirstStage(
    _ point: ResumePoint?, _ training: TrainingConfig, second: () throws -> CheckpointFolder
  ) throws -> Bool {
    guard let point else { return true }
    if case .checkpoint(let url) = point.place { return StageFolder.isOfFeatures(url) }
    let second = try second()
    let data = TrainingData(examples, config: training)
    return !second.holds(point, of: try RunIdentity(second.origin, config: training, data: data))
  }

  /// Trains the first of two stages, and saves the student as it then is.
  private func trainFeatures(
    _ stage: FeatureStage, _ config: DistillationConfig, _ training: TrainingConfig, in run: RunFolder,
    watch: SignalWatch, resumingFrom point: ResumePoint?
  ) throws {
    console.note("stage 1 of 2: features")
    let features = try RunFolder(part: StageFolder.features(in: run.log.directory), resuming: point)
    let settings = stage.training(training)
    let own = stage.features(of: config)
    let (distiller, keeping) = try prepared(own, training: settings, watch: watch)
    try distiller.train(
      examples, config: settings,
      checkpoints: features.checkpoints(of: pair.student, origin: try origin(own, keeping: keeping)),
      observers: [
        run.beginning, features.beginning, features.log, TrainingView(console, title: "Features, epoch"),
        watch,
      ], resumingFrom: point)
    keeping.cleanUp()
    _ = try features.finish(pair.student, evaluation: nil)
  }

  /// Measures the student and writes its answers into the run folder; nil without validation rows.
  func measureStudent(_ run: RunFolder) throws -> Measurement? {
    let path = run.log.directory.relativePath
    let student = TokenizedModel(path: path, model: pair.student.model, tokenizer: pair.student.tokenizer)
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

  private func measure(_ model: TokenizedModel) throws -> Measurement? {
    try validation.map {
      try Measurement(of: model, on: EvaluationData(task: task, examples: $0), console: console)
    }
  }
}
