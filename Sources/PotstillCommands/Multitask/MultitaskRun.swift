import Distillation
import Encoders
import Foundation
import ModelFormats
import TaskData
import Tasks
import Tensors
import Tokenization
import Training

/// Everything of a multi-task run that is ready before its first step.
struct MultitaskRun {
  /// The tasks in order.
  let members: [MultitaskMember]
  /// The settings of the run.
  let training: TrainingConfig
  /// The student.
  let student: SharedStudent
  /// The trainer.
  let distiller: MultiTaskDistiller
  /// The updates of the run.
  let steps: Int
  /// What is doubtful about the tasks' configurations.
  let warnings: [Fault]
  /// A fingerprint of the rows that the tasks are scored on.
  private let validation: String
  /// How each task's teacher is asked; nil without a teacher.
  private let cachings: [TeacherCaching?]
  private let plans: [DistillationPlan?]

  /// Reads all data, loads all teachers and makes the student.
  ///
  /// - Parameters:
  ///   - caching: How large a file of a teacher's answers may be.
  ///   - folder: The run folder; nil for a plan without one.
  /// - Throws: Among others `DistillationError.invalidConfiguration` with the faults of all tasks.
  init(
    _ entries: [TaskEntry], student name: String, tau: Double, distillation: DistillationOptions,
    caching: CachingOptions, training options: TrainingOptions, folder: URL?, console: Console
  ) throws {
    let readers = try entries.map { try $0.options.open(console, unlabelledFile: $0.unlabelledFile) }
    // What suits one task need not suit the others, so their recipes' hyper-parameters do not count.
    var common = readers[0].task
    (common.defaults, common.metrics) = (TaskDefaults(), ["average"])
    let scored = zip(entries, readers).filter { $1.task.validationFile != nil }
    let training = try options.config(
      for: common, canEvaluate: !scored.isEmpty,
      metrics: BestMetric(of: scored.map { (name: $0.name, task: $1.task) }))
    let members = try zip(entries, readers).map { entry, reader in
      try MultitaskMember(entry, reader, distillation: distillation, training: options, console: console)
    }
    try self.init(
      members, student: name, tau: tau, training: training, caching: caching, folder: folder,
      onLabelsAlone: false)
  }

  private init(
    _ members: [MultitaskMember], student name: String, tau: Double, training: TrainingConfig,
    caching: CachingOptions, folder: URL?, onLabelsAlone: Bool
  ) throws {
    (self.members, self.training) = (members, training)
    let student = try SharedStudent(
      name, tasks: members.map { ($0.task, $0.teacher) }, seed: training.seed)
    self.student = student
    var (prepared, faults): ([PreparedTask], [Fault]) = ([], [])
    for (index, member) in members.enumerated() {
      do {
        prepared.append(
          try PreparedTask(
            member, of: student, at: index, training: training, onLabelsAlone: onLabelsAlone))
      } catch DistillationError.invalidConfiguration(let found) {
        faults += found.map { Fault("\(member.entry.name), \($0.field)", $0.message) }
      }
    }
    guard faults.isEmpty else { throw DistillationError.invalidConfiguration(faults) }
    let distiller = try MultiTaskDistiller(prepared.map(\.task), tau: tau)
    self.distiller = distiller
    steps = try StepPlan(distiller.data(training), config: training).totalSteps
    let updates = Double(steps * training.gradientAccumulationSteps)
    let epochs = zip(prepared, distiller.probabilities).map { task, share in
      updates * share / Double(max(1, TrainingData(task.examples, config: training).batchCount(0)))
    }
    cachings = try zip(prepared, epochs).map { task, epochs in
      try task.caching(caching, epochs: epochs, folder: folder)
    }
    plans = try zip(prepared, cachings).map { try $0.plan(training, cache: $1?.plan) }
    validation = prepared.compactMap(\.validation).joined(separator: " ")
    warnings = prepared.flatMap { $0.distiller?.warnings ?? [] }
  }

  /// The run that trains the student, as it was at the beginning, on the labels alone.
  ///
  /// - Throws: `CommandError` when a task has none.
  func onLabelsAlone() throws -> MultitaskRun {
    try MultitaskRun(
      members, student: student.name, tau: distiller.tau, training: training, caching: CachingOptions(),
      folder: nil, onLabelsAlone: true)
  }

  /// What makes a bad student likely, found before the first step; each teacher answers some validation rows for it.
  func doubts(_ console: Console) throws -> [Fault] {
    var doubts: [Fault?] = []
    for (index, member) in members.enumerated() {
      guard let teacher = member.teacher else { continue }
      let asked = member.task.maxSequenceLength
      let own = student.folder(index, path: student.name).lengthLimit(asked)
      let other = teacher.lengthLimit(asked)
      if member.config.usesTeacherLogits, let folder = teacher.folder {
        doubts.append(
          try folder.doubtOfChance(
            on: member.data.validation, of: member.task, limit: min(own, other), console: console))
      }
      doubts.append(
        DistillationGuards.unequalLengths(
          teacher: other, student: own,
          longest: distiller.tasks[index].examples.map(\.length).max() ?? 0))
    }
    if try student.isFresh {
      doubts.append(
        DistillationGuards.freshStudent(
          student.name, sequences: distiller.tasks.reduce(0) { $0 + $1.examples.count }))
    }
    return doubts.compactMap { $0 }
  }

  /// Trains the student into a run folder; teachers whose answers are kept are asked first.
  func train(
    into folder: URL, _ run: RunFolder, resumingFrom point: ResumePoint?, console: Console
  ) throws {
    let watch = SignalWatch(console)
    watch.start()
    defer { watch.stop() }
    for (index, caching) in cachings.enumerated() {
      guard let caching, let teacher = members[index].teacher,
        let objective = distiller.tasks[index].objective as? GeneralDistiller
      else { continue }
      try caching.prepare(
        objective, teacher: teacher, examples: distiller.tasks[index].examples, watch: watch, console: console
      )
    }
    try distiller.train(
      config: training, checkpoints: CheckpointFolder(folder, origin: origin),
      observers: [run.beginning, run.log, TrainingView(console), watch], resumingFrom: point)
    cachings.forEach { $0?.cleanUp() }
  }

  /// What the run starts from; the student must be as it was made.
  private var origin: RunOrigin {
    var settings = JSONObject()
    settings["tau"] = .double(distiller.tau)
    for (index, member) in members.enumerated() {
      var own = member.config.json.objectValue ?? JSONObject()
      own["weight"] = .double(member.entry.weight)
      own["teacher_answers"] = cachings[index].map { .string($0.identity) }
      settings[member.entry.name] = .object(own)
    }
    let teachers = zip(members, cachings).compactMap { $1 == nil ? nil : $0.teacher?.fingerprint }
    return RunOrigin(
      model: Parameter.fingerprint(of: distiller.groups.flatMap(\.parameters)), teachers: teachers,
      validation: validation.isEmpty ? nil : validation, settings: settings)
  }

  /// Saves the student of each task into a folder of its own.
  func save(into folder: URL) throws {
    for (index, member) in members.enumerated() {
      let directory = member.folder(in: folder)
      try student.folder(index, path: directory.relativePath).save(to: directory)
    }
  }

  /// Measures the student of each task, and writes its answers; nil for a task without validation rows.
  func measureStudents(in folder: URL, console: Console) throws -> [Measurement?] {
    try members.enumerated().map { index, member in
      let directory = member.folder(in: folder)
      let own = student.folder(index, path: directory.relativePath)
      guard let measured = try member.measure(own, console: console) else { return nil }
      try measured.write(to: RunLog(directory))
      return measured
    }
  }

  /// What the run would do, for people; its warnings stand apart.
  var planLines: [String] {
    var lines: [String] = []
    for (index, task) in distiller.tasks.enumerated() {
      let share = String(format: "%.3f", distiller.probabilities[index])
      lines.append("task     \(task.name): \(grouped(task.examples.count)) examples, \(share) of the updates")
      let plan = plans[index]?.lines.filter { !$0.hasPrefix("warning") }
      lines += (plan ?? ["loss     1 × labels, no teacher"]).map { "  " + $0 }
    }
    lines.append("steps    \(grouped(steps))")
    return lines
  }

  /// What the run would do, for machines: `tasks`, each with its `plan`, and `steps`.
  var planJSON: JSONValue {
    let tasks = distiller.tasks.enumerated().map { index, task -> JSONValue in
      [
        "name": .string(task.name), "examples": .integer(task.examples.count),
        "probability": .double(distiller.probabilities[index]), "plan": plans[index]?.json ?? .null,
      ]
    }
    return ["tasks": .array(tasks), "steps": .integer(steps)]
  }
}
