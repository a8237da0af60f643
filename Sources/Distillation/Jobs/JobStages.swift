import Cluster
import Datasets
import Encoders
import Foundation
import ModelFormats
import Tasks
import Tensors
import Training

/// Stage of a distillation of one task: what the student learns from, how, and what was worked out for it.
struct JobStage {
  /// Part of the job that is trained.
  let part: JobPart
  /// Configuration of the loss.
  let config: DistillationConfig
  /// The settings.
  let training: TrainingConfig
  /// Objective of the loop.
  let distiller: GeneralDistiller
  /// Source of the teachers' answers.
  let answers: TeacherAnswers
  /// Plan of what it will do and need.
  let plan: DistillationPlan

  /// A stage with its distiller and its plan.
  init(
    _ part: JobPart, _ config: DistillationConfig, training: TrainingConfig, of task: PreparedTask,
    maxCacheGB: Double?, folder: URL?
  ) throws {
    (self.part, self.config, self.training) = (part, config, training)
    distiller = try task.makeDistiller(config, seed: training.seed)
    answers = try task.answers(
      for: distiller, epochs: task.epochs(training), maxGB: maxCacheGB, folder: folder)
    plan = try task.plan(config, training: training, countsSteps: true, by: distiller, cache: answers.plan)
  }

  /// The stages of a job of one task.
  static func all(of job: DistillationJob, _ task: PreparedTask, folder: URL?) throws -> [JobStage] {
    let config = job.tasks[0].distillation
    func stage(_ part: JobPart, _ config: DistillationConfig, _ training: TrainingConfig) throws -> JobStage {
      try JobStage(
        part, config, training: training, of: task, maxCacheGB: job.maxCacheGB, folder: folder)
    }
    guard let features = job.featureStage else { return [try stage(.student, config, job.training)] }
    let faults = features.faults(with: config, training: job.training)
    if !faults.isEmpty { throw DistillationError.invalidConfiguration(faults) }
    return [
      try stage(.features, features.features(of: config), features.training(job.training)),
      try stage(.predictions, features.predictions(of: config), job.training),
    ]
  }
}

/// Training of a job of one task: its loops one after the other, in the run folder.
struct SingleTraining {
  /// Objectives of the loops.
  enum Work {
    /// The labels of a task.
    case labels
    /// One stage of a distillation, or two.
    case stages([JobStage])
    /// BERT-of-Theseus.
    case theseus(TheseusDistiller)
    /// The labels, by the distiller of the student that has a teacher.
    case baseline
  }

  let job: DistillationJob
  let task: PreparedTask
  let work: Work
  /// A fingerprint of the student before it learns.
  let start: String
  let listener: any WorkListener

  init(_ job: DistillationJob, _ task: PreparedTask, _ work: Work, _ listener: any WorkListener) {
    (self.job, self.task, self.work, self.listener) = (job, task, work, listener)
    start = Parameter.fingerprint(of: task.student.model.parameters)
  }

  /// The stages of a distillation; none of another training.
  var stages: [JobStage] {
    switch work {
    case .stages(let stages): stages
    case .labels, .theseus, .baseline: []
    }
  }

  /// Trains the student, and saves it into the run folder.
  ///
  /// - Parameters:
  ///   - run: The run folder.
  ///   - observers: Told of everything.
  ///   - point: Where to go on from, in either stage.
  func train(
    into run: RunFolder, observers: [any TrainingObserver], resumingFrom point: ResumePoint?
  ) throws -> TrainingSummary {
    let all: [any TrainingObserver] = run.observers(job.training) + [task.memory] + observers
    let config = job.training
    let summary: TrainingSummary
    switch work {
    case .labels:
      summary = try loopOfLabels(
        config, evaluate: task.score,
        checkpoints: run.checkpoints(
          of: task.student, origin: RunOrigin(model: start, validation: task.validationFingerprint)),
        observers: all
      ).run(resumingFrom: point)
    case .theseus(let distiller):
      summary = try distiller.train(
        task.examples, score: task.score, config: config,
        checkpoints: run.checkpoints(
          of: task.student, origin: origin(job.tasks[0].distillation, answers: nil, theseus: distiller.config)
        ),
        observers: all, resumingFrom: point)
    case .baseline:
      let distiller = try task.makeDistiller(.labelsAlone, seed: config.seed)
      let answers = try task.answers(for: distiller, epochs: task.epochs(config), maxGB: nil, folder: nil)
      summary = try distiller.train(
        task.examples, score: task.score, config: config,
        checkpoints: run.checkpoints(of: task.student, origin: origin(.labelsAlone, answers: answers)),
        observers: all, resumingFrom: point)
    case .stages(let stages):
      summary = try train(stages, into: run, observers: observers, all, resumingFrom: point)
    }
    try task.student.model.roundToSaved()
    if Ranks.process.isFirst { try task.student.save(to: run.log.directory) }
    return summary
  }

  /// The loop of a training on the labels.
  func loopOfLabels(
    _ config: TrainingConfig, evaluate: (() throws -> EvaluationResult)? = nil,
    checkpoints: CheckpointFolder? = nil, observers: [any TrainingObserver]
  ) throws -> TrainingLoop {
    TrainingLoop(
      config: config,
      objective: SupervisedObjective(task.student.model, loss: try task.hardLabelLoss(config)),
      data: TrainingData(task.examples.withTarget, config: config), evaluate: evaluate,
      checkpoints: checkpoints, observers: observers)
  }

  private func train(
    _ stages: [JobStage], into run: RunFolder, observers: [any TrainingObserver],
    _ all: [any TrainingObserver], resumingFrom point: ResumePoint?
  ) throws -> TrainingSummary {
    let last = stages[stages.count - 1]
    func checkpoints() -> CheckpointFolder {
      run.checkpoints(
        of: task.student, origin: origin(last.config, answers: last.answers, scores: true))
    }
    var point = point
    if stages.count > 1 {
      if try Ranks.process.first({ try isInFirstStage(point, second: checkpoints) }) {
        try trainFeatures(stages[0], in: run, observers: observers, resumingFrom: point)
        point = nil
      }
      announce(last.part, observers)
    }
    let summary = try last.distiller.train(
      task.examples, score: task.score, config: last.training, asking: asking(last, observers),
      checkpoints: checkpoints(), observers: all, resumingFrom: point)
    // Of a first stage too, whose file a crash may have left.
    for stage in stages { stage.answers.cleanUp() }
    return summary
  }

  /// Whether a run of two stages begins, or goes on, with the first.
  private func isInFirstStage(_ point: ResumePoint?, second: () throws -> CheckpointFolder) throws -> Bool {
    guard let point else { return true }
    if case .checkpoint(let url) = point.place { return JobFolders.isOfFeatures(url) }
    let second = try second()
    let data = TrainingData(task.examples, config: job.training)
    return !second.holds(point, of: try RunIdentity(second.origin, config: job.training, data: data))
  }

  /// Trains the first of two stages, and saves the student as it then is, in full since the second goes on from it.
  private func trainFeatures(
    _ stage: JobStage, in run: RunFolder, observers: [any TrainingObserver], resumingFrom point: ResumePoint?
  ) throws {
    announce(stage.part, observers)
    let features = try RunFolder(
      part: JobFolders.features(in: run.log.directory), of: run, resuming: point, plan: stage.plan.lines)
    try stage.distiller.train(
      task.examples, config: stage.training, asking: asking(stage, observers),
      checkpoints: features.checkpoints(
        of: task.student, origin: origin(stage.config, answers: stage.answers, isFirst: true, scores: false)),
      observers: [run.beginning] + features.observers(stage.training) + observers, resumingFrom: point)
    stage.answers.cleanUp()
    if Ranks.process.isFirst { try task.student.save(to: features.log.directory, as: .float32) }
  }

  /// The work that asks the teacher ahead; nil where it is asked in every step.
  private func asking(_ stage: JobStage, _ observers: [any TrainingObserver]) -> (() throws -> Void)? {
    stage.answers.asking(
      stage.distiller, teacher: task.teachers[0], examples: task.examples, observers: observers,
      listener: listener)
  }

  private func announce(_ part: JobPart, _ observers: [any TrainingObserver]) {
    if let title = part.title { listener.note(title) }
    for case let observer as any JobObserver in observers { observer.began(part) }
  }

  /// The origin of a stage, by which its checkpoints know it.
  ///
  /// - Parameters:
  ///   - config: What the student learns from in this stage.
  ///   - answers: How its teachers are asked; nil where they are not.
  ///   - theseus: The curriculum of BERT-of-Theseus.
  ///   - isFirst: Whether it is the first of two stages; that decides the student's weights before the second.
  ///   - scores: Whether validation rows are scored in it.
  private func origin(
    _ config: DistillationConfig, answers: TeacherAnswers?, theseus: TheseusConfig? = nil,
    isFirst: Bool = false, scores: Bool = true
  ) -> RunOrigin {
    var settings = config.json.objectValue ?? JSONObject()
    let asksTeacher = config.usesTeacherLogits || !config.matches.isEmpty
    let isBaseline = if case .baseline = work { true } else { false }
    settings["teacher_answers"] = asksTeacher ? answers.map { .string($0.identity) } : nil
    if task.teachers.count > 1 {
      settings["teacher_weights"] = .array(task.teachers.map { .double($0.weight) })
      settings["teacher_average"] = .string(task.loaded.task.teacherAverage.rawValue)
    }
    settings["theseus"] = theseus?.json
    settings["feature_stage"] = isFirst || isBaseline ? nil : job.featureStage?.json
    return RunOrigin(
      model: start,
      teachers: asksTeacher || theseus != nil
        ? task.teachers.compactMap { $0.fingerprint } : [],
      validation: scores ? task.validationFingerprint : nil, settings: settings)
  }
}
