import Cluster
import Datasets
import Encoders
import Foundation
import ModelFormats
import Tasks
import Tensors
import Training

/// Training of a job of several tasks with one encoder: the distiller of all, and what was worked out for each.
struct SharedTraining {
  let job: DistillationJob
  let tasks: [PreparedTask]
  /// The trainer.
  let distiller: MultiTaskDistiller
  /// Distiller of each task's teacher; nil where the task is learnt from labels alone.
  let distillers: [GeneralDistiller?]
  /// Source of the answers of each task's teacher; nil without a teacher.
  let answers: [TeacherAnswers?]
  /// Plan of each task's part; nil without a teacher.
  let plans: [DistillationPlan?]
  /// The updates of the run.
  let steps: Int
  let listener: any WorkListener

  /// Makes the distillers of all tasks and the distiller of the student.
  ///
  /// - Parameters:
  ///   - job: The settings.
  ///   - tasks: The tasks as the student reads them.
  ///   - folder: The run folder; nil for a plan without one.
  ///   - onLabelsAlone: Whether the teachers are left out.
  /// - Throws: `DistillationError.invalidConfiguration` with the faults of all tasks; `TaskError` for a task that has
  ///   neither a teacher nor labels.
  init(
    _ job: DistillationJob, _ tasks: [PreparedTask], folder: URL?, onLabelsAlone: Bool = false,
    _ listener: any WorkListener
  ) throws {
    (self.job, self.tasks, self.listener) = (job, tasks, listener)
    let training = job.training
    var distillers: [GeneralDistiller?] = []
    var faults: [Fault] = []
    for (index, task) in tasks.enumerated() {
      if task.teachers.isEmpty || onLabelsAlone {
        if task.examples.isEmpty {
          throw task.lackOfLabels(onLabelsAlone ? "--baseline needs some of every task" : "give it a teacher")
        }
        distillers.append(nil)
        continue
      }
      do {
        distillers.append(
          try task.makeDistiller(
            task.loaded.task.distillation, seed: training.seed, projectionPrefix: "projections.\(index)"))
      } catch DistillationError.invalidConfiguration(let found) {
        faults += found.map { Fault("\(task.loaded.task.name), \($0.field)", $0.message) }
      }
    }
    guard faults.isEmpty else { throw DistillationError.invalidConfiguration(faults) }
    self.distillers = distillers
    let distiller = try MultiTaskDistiller(
      zip(tasks, distillers).map { task, distiller in
        DistillationTask(
          task.loaded.task.name,
          objective: try distiller
            ?? SupervisedObjective(task.student.model, loss: task.hardLabelLoss(training)),
          examples: task.examples, samplingWeight: task.loaded.task.weight,
          metric: task.definition.metrics.first, score: task.score)
      }, tau: job.tau)
    self.distiller = distiller
    steps = try StepPlan(distiller.data(training), config: training).totalSteps
    let updates = Double(steps * training.gradientAccumulationSteps)
    answers = try zip(zip(tasks, distillers), distiller.probabilities).map { pair, share in
      let (task, own) = pair
      let batches = TrainingData(task.examples, config: training).batchCount(0)
      return try own.map {
        try task.answers(
          for: $0, epochs: updates * share / Double(max(1, batches)), maxGB: job.maxCacheGB,
          folder: folder.map { task.folder(in: $0) })
      }
    }
    plans = try zip(zip(tasks, distillers), answers).map { pair, answers in
      let (task, own) = pair
      return try answers.map {
        try task.plan(
          task.loaded.task.distillation, training: training, countsSteps: false, by: own, cache: $0.plan)
      }
    }
  }

  /// Trains the student into a run folder, and saves that of each task; teachers whose answers are kept are asked first.
  func train(
    into run: RunFolder, observers: [any TrainingObserver], resumingFrom point: ResumePoint?
  ) throws -> TrainingSummary {
    let asking = answers.enumerated().map { index, answers -> (() throws -> Void)? in
      guard let answers, let own = distillers[index] else { return nil }
      return answers.asking(
        own, teacher: tasks[index].teachers[0], examples: tasks[index].examples, observers: observers,
        listener: listener)
    }
    let memories: [any TrainingObserver] = tasks.map(\.memory)
    let summary = try distiller.train(
      config: job.training, asking: asking, checkpoints: CheckpointFolder(run.log.directory, origin: origin),
      observers: run.observers(job.training) + memories + observers, resumingFrom: point)
    answers.forEach { $0?.cleanUp() }
    for task in tasks {
      try task.student.model.roundToSaved()
      guard Ranks.process.isFirst else { continue }
      let directory = task.folder(in: run.log.directory)
      try TokenizedModel(
        path: directory.relativePath, model: task.student.model, tokenizer: task.student.tokenizer
      ).save(to: directory)
    }
    return summary
  }

  /// The parameters that keep their values, each once.
  private var frozenParameters: [Parameter] {
    var seen: Set<ObjectIdentifier> = []
    return tasks.flatMap(\.student.model.parameters).filter {
      !$0.isTrainable && seen.insert(ObjectIdentifier($0)).inserted
    }
  }

  /// The origin of the run; the student must be as it was made.
  private var origin: RunOrigin {
    var settings = JSONObject()
    settings["tau"] = .double(distiller.tau)
    for (index, task) in tasks.enumerated() {
      var own = task.loaded.task.distillation.json.objectValue ?? JSONObject()
      own["weight"] = .double(task.loaded.task.weight)
      own["teacher_answers"] = answers[index].map { .string($0.identity) }
      settings[task.loaded.task.name] = .object(own)
    }
    let teachers = zip(tasks, answers).compactMap { task, answers in
      answers == nil ? nil : task.teachers[0].fingerprint
    }
    let validation = tasks.compactMap(\.validationFingerprint).joined(separator: " ")
    return RunOrigin(
      model: Parameter.fingerprint(of: distiller.groups.flatMap(\.parameters) + frozenParameters),
      teachers: teachers,
      validation: validation.isEmpty ? nil : validation, settings: settings)
  }
}

extension PreparedTask {
  /// The folder of one of several tasks in that of a run.
  func folder(in run: URL) -> URL { loaded.folder(in: run) }

  /// The error that there is nothing to learn the task from.
  func lackOfLabels(_ remedy: String) -> TaskError {
    TaskError("\(loaded.task.name) has no labels to learn from; \(remedy)")
  }
}

extension LoadedTask {
  /// The folder of one of several tasks in that of a run.
  func folder(in run: URL) -> URL { run.appending(path: task.name, directoryHint: .isDirectory) }
}
