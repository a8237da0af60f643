import Cluster
public import Datasets
import Encoders
import Evaluation
public import Foundation
import Kernels
public import ModelFormats
import Tasks
import Tensors
import Tokenization
public import Training

/// Job that was read, checked and resolved: its plan, its warnings, and the run itself.
public final class PreparedJob {
  /// The job.
  public let job: DistillationJob
  /// Plan of what it will do and need.
  public let plan: JobPlan
  /// Warnings of a student that will likely be bad, found from data and models; the plan has warnings of its own.
  public let warnings: [Fault]
  /// Recipe of the texts made of the training texts; nil for none.
  public let augmentation: AugmentationRecipe?

  /// Training of the student: on one task, or on several at once.
  enum Work {
    case single(SingleTraining)
    case shared(SharedTraining)
  }

  let work: Work
  private let tasks: [PreparedTask]
  private let folder: OutputFolder?
  private let listener: any WorkListener

  init(_ job: DistillationJob, _ listener: any WorkListener, isDryRun: Bool) throws {
    (self.job, self.listener) = (job, listener)
    folder =
      try isDryRun
      ? nil
      : job.output.map { path in
        let isInside = try job.resumption?.isInside(path) ?? false
        return try OutputFolder(path, overwrite: isInside || job.overwritesOutput)
      }
    let place = job.output.map { URL(filePath: $0, directoryHint: .isDirectory) }
    try job.student.fetch(listener: listener)
    var loaded = try job.tasks.map { try LoadedTask($0, of: job, listener) }
    let student = try MadeStudent(of: job, loaded, listener)
    if !job.isMultitask, let remark = student.remark { listener.note("\(student.name): \(remark)") }
    augmentation = try Self.augment(&loaded[0], for: student, seed: job.training.seed, of: job, listener)
    let tasks = try loaded.enumerated().map { index, task in
      try PreparedTask(task, student, at: index, isMultitask: job.isMultitask, listener)
    }
    self.tasks = tasks
    let made: JobPlan
    if job.isMultitask {
      let shared = try SharedTraining(job, tasks, folder: place, listener)
      if job.hasBaseline, let task = tasks.first(where: { !$0.hasLabels }) {
        throw task.lackOfLabels("--baseline needs some of every task")
      }
      (work, made) = (.shared(shared), JobPlan(shared))
    } else {
      let single = SingleTraining(job, tasks[0], try Self.work(of: job, tasks[0], folder: place), listener)
      work = .single(single)
      made =
        switch single.work {
        case .stages(let stages): JobPlan(stages)
        case .theseus(let distiller): try JobPlan(distiller, of: tasks[0], training: job.training)
        case .labels, .baseline: try JobPlan(labelsOf: tasks[0], training: job.training)
        }
      if job.hasBaseline, loaded[0].rows.trainFileLabelledCount == 0 {
        throw TaskError("--baseline needs labels to learn from, but no training row has one; leave it out")
      }
    }
    // Of what reading and tokenizing took, nothing is needed while the run goes on.
    FreeMemory.giveBack()
    plan = JobPlan(made, lines: try JobPlan.commonLines(job, tasks))
    warnings =
      try Self.warnings(tasks, student, isMultitask: job.isMultitask, listener)
      + (job.theseus != nil || job.hasBaseline ? [] : tasks.flatMap { $0.labelWarnings(job.training) })
    if job.isMultitask, let remark = student.remark { listener.note("\(student.name): \(remark)") }
    for note in tasks.compactMap({ $0.noteOfImbalance(job.training, isAlone: tasks.count == 1) }) {
      listener.note(note)
    }
  }

  /// Makes more texts, where the job asks for them.
  private static func augment(
    _ task: inout LoadedTask, for student: MadeStudent, seed: UInt64, of job: DistillationJob,
    _ listener: any WorkListener
  ) throws -> AugmentationRecipe? {
    guard let augmentation = task.task.augmentation else { return nil }
    let tokenizer = student.tokenizer
    let recipe = augmentation.recipe(
      seed: seed, maskToken: tokenizer.maskID.flatMap { tokenizer.token($0) })
    let made = try AugmentedRows.make(
      of: task.rows.trainFileRows, recipe, maskedModel: augmentation.maskedModel,
      allowsNonFinite: job.allowsNonFinite, listener: listener)
    listener.note("augmentation: \(grouped(made.count)) examples")
    task.add(made)
    return recipe
  }

  /// The training of a student of one task.
  private static func work(
    of job: DistillationJob, _ task: PreparedTask, folder: URL?
  ) throws -> SingleTraining.Work {
    if task.teachers.isEmpty { return .labels }
    guard let theseus = job.theseus else { return .stages(try JobStage.all(of: job, task, folder: folder)) }
    if task.teachers.count > 1 {
      throw TaskError("--theseus replaces the layers of one teacher; found \(task.teachers.count)")
    }
    var plain = DistillationConfig()
    plain.cacheTeacherLogits = task.loaded.task.distillation.cacheTeacherLogits
    guard task.loaded.task.distillation == plain, task.loaded.task.keepsAnswers == nil else {
      throw DistillationJob.theseusFault
    }
    guard let teacher = task.teachers[0].folder?.model else {
      throw TaskError(
        "--theseus takes the teacher's own layers, and the teacher is not there; give --teacher")
    }
    if task.loaded.task.teachers[0].precision != .float32 {
      throw TaskError(
        "--theseus puts the teacher's own layers beside the student's, and they stay in floats; leave out "
          + "--teacher-precision")
    }
    guard task.sharesTokens else {
      throw TaskError("--theseus puts student and teacher into one model, so both must read the same tokens")
    }
    return .theseus(
      try TheseusDistiller(theseus, teacher: teacher, student: task.student.model, seed: job.training.seed))
  }

  private static func warnings(
    _ tasks: [PreparedTask], _ student: MadeStudent, isMultitask: Bool, _ listener: any WorkListener
  ) throws -> [Fault] {
    let fresh =
      student.isFresh
      ? DistillationGuards.freshStudent(student.name, sequences: tasks.reduce(0) { $0 + $1.examples.count })
      : nil
    if isMultitask {
      return try tasks.flatMap {
        try $0.teacherWarnings(listener) + [$0.warningOfLengths].compactMap { $0 }
      } + [fresh].compactMap { $0 }
    }
    return try tasks[0].teacherWarnings(listener) + [fresh, tasks[0].warningOfLengths].compactMap { $0 }
  }

  /// The distillation as a recipe holds it, so that it repeats what was decided about the teacher's answers.
  public var recordedDistillation: DistillationConfig {
    let config = job.tasks[0].distillation
    guard case .single(let single) = work, case .stages(let stages) = single.work, stages.count == 1 else {
      return config
    }
    return stages[0].answers.applied(to: config)
  }

  /// Trains the student, evaluates and measures it beside its teachers, and writes the run folder.
  ///
  /// - Parameters:
  ///   - observers: Told of every training of the job, in this order; a `JobObserver` also of which of them begins.
  ///   - recipe: The text of `recipe.yaml`, by which the run can be repeated; nil writes the job as `job.json`.
  ///   - inputs: What else of the user's the run reads, beside teachers, student and data; it is never removed.
  /// - Throws: `TrainingError`, among them `.interrupted`; `JobInterruption`; what reading and writing throws.
  @discardableResult
  public func run(
    observers: [any TrainingObserver] = [], recipe: String? = nil, inputs: [String] = []
  ) throws -> JobResult {
    guard let folder else {
      throw DistillationError.invalidConfiguration([
        Fault("output", "is missing; a job that runs needs the path of its run folder")
      ])
    }
    let text = try recipe ?? String(decoding: JSONEncoder.ofJobs.encode(job), as: UTF8.self)
    let point = job.resumption?.point(in: folder.url)
    let run = try RunFolder(
      folder, recipe: text, named: recipe == nil ? "job.json" : "recipe.yaml", resuming: point,
      inputs: inputs + job.inputs, record: job.record(in: folder.url, with: inputs, by: listener.invocation),
      plan: plan.linesWithWarnings, members: memberFolders(in: folder.url)
    ) { try self.removeLeftCaches(in: folder.url) }
    defer { run.release() }
    run.continued.announce(to: listener)
    for case let observer as any JobObserver in observers { observer.began(.student) }
    let result: JobResult
    switch work {
    case .single(let single):
      let summary = try single.train(into: run, observers: observers, resumingFrom: point)
      let alone = try job.hasBaseline ? trainSingleBaseline(in: run, observers) : nil
      result = try finish(single, run, after: summary, baseline: alone)
    case .shared(let shared):
      let summary = try shared.train(into: run, observers: observers, resumingFrom: point)
      let alone = try job.hasBaseline ? trainSharedBaseline(in: run, observers) : nil
      result = try finish(shared, run, after: summary, baselines: alone)
    }
    try run.seal(telling: listener)
    return result
  }

  /// Number of times that weights of teachers were hashed.
  package var teacherHashes: Int { tasks.flatMap(\.teachers).reduce(0) { $0 + $1.hashCount } }

  private func memberFolders(in run: URL) -> [URL] {
    job.isMultitask ? tasks.map { $0.folder(in: run) } : []
  }

  /// Removes caches that a broken-off run made for itself here, and that this one does not go on with.
  private func removeLeftCaches(in run: URL) throws {
    func place(_ url: URL) -> String { url.absoluteURL.resolvingSymlinksInPath().standardizedFileURL.path }
    let own: [TeacherAnswers] =
      switch work {
      case .single(let single): single.stages.map(\.answers)
      case .shared(let shared): shared.answers.compactMap { $0 }
      }
    let named = job.tasks.flatMap { $0.teachers.compactMap(\.cache) }
    let needed = Set(own.compactMap(\.ownFolder).map(place) + named.map { place(URL(filePath: $0)) })
    for folder in [run] + memberFolders(in: run) where !needed.contains(place(folder)) {
      for url in TeacherCacheFile.ofRun(in: folder) where !needed.contains(place(url)) {
        try TemporaryName.remove(url)
      }
    }
  }

  // MARK: Baseline

  /// The tasks for the student as it was at the beginning, with the labelled rows alone.
  private func labelledTasks() throws -> [PreparedTask] {
    let student = try MadeStudent(of: job, tasks.map(\.loaded), listener)
    return tasks.enumerated().map { PreparedTask(labelledRowsOf: $1, student, at: $0) }
  }

  private func baselineFolder(in run: RunFolder, _ observers: [any TrainingObserver]) throws -> RunFolder {
    listener.note(JobPart.baseline.title ?? "")
    for case let observer as any JobObserver in observers { observer.began(.baseline) }
    let url = JobFolders.baseline(in: run.log.directory)
    return try RunFolder(
      part: url, of: run, resuming: job.resumption?.laterPoint, members: memberFolders(in: url))
  }

  private func trainSingleBaseline(
    in run: RunFolder, _ observers: [any TrainingObserver]
  ) throws -> ModelMeasurement? {
    let folder = try baselineFolder(in: run, observers)
    let task = try labelledTasks()[0]
    let summary = try SingleTraining(job, task, .baseline, listener)
      .train(into: folder, observers: observers, resumingFrom: job.resumption?.laterPoint)
    return try measured(task, after: summary, in: folder.log)
  }

  private func trainSharedBaseline(
    in run: RunFolder, _ observers: [any TrainingObserver]
  ) throws -> [ModelMeasurement?] {
    let folder = try baselineFolder(in: run, observers)
    let tasks = try labelledTasks()
    let summary = try SharedTraining(job, tasks, folder: nil, onLabelsAlone: true, listener)
      .train(into: folder, observers: observers, resumingFrom: job.resumption?.laterPoint)
    return try tasks.map {
      try measured($0, after: summary, in: RunLog($0.folder(in: folder.log.directory)))
    }
  }

  // MARK: Results

  /// Measures a student, and writes its scores and answers; nil without validation rows.
  private func measured(
    _ task: PreparedTask, after summary: TrainingSummary, in log: RunLog
  ) throws -> ModelMeasurement? {
    guard Ranks.process.isFirst else { return nil }
    let measured = try task.measureStudent(after: summary, as: log.directory.relativePath)
    try measured?.write(to: log)
    return measured
  }

  /// Writes the cards of a task's student and, where there is one, of its baseline; and the report of the task.
  private func writeCards(
    _ task: PreparedTask, as role: JobCards.Role, in run: RunFolder, _ results: JobCards.Results
  ) throws {
    let cards = JobCards(job: job, plan: plan, listener: listener)
    let directory = run.log.directory
    func folder(_ run: URL) -> URL { job.isMultitask ? task.folder(in: run) : run }
    try cards.write(task, as: role, to: folder(directory), metrics: run.log.metricsFile, results)
    JobReports(job: job, listener: listener).write(task, plan: plan(of: task), to: folder(directory), results)
    guard job.hasBaseline else { return }
    let alone = JobFolders.baseline(in: directory)
    try cards.write(
      task, as: .baseline, to: folder(alone),
      metrics: alone.appending(path: run.log.metricsFile.lastPathComponent),
      results)
  }

  /// The plan of a task's part.
  private func plan(of task: PreparedTask) -> JSONValue {
    guard case .shared(let shared) = work else { return plan.json }
    let index = shared.tasks.firstIndex { $0.loaded.task.name == task.loaded.task.name }
    return index.flatMap { shared.plans[$0]?.json } ?? ["examples": .integer(task.examples.count)]
  }

  private func finish(
    _ single: SingleTraining, _ run: RunFolder, after summary: TrainingSummary, baseline: ModelMeasurement?
  ) throws -> JobResult {
    // The others are done: they wait for rank 0, which measures and writes.
    guard Ranks.process.isFirst else {
      return JobResult(folder: run.log.directory, results: JSONObject(), tables: [])
    }
    let task = single.task
    let student = try measured(task, after: summary, in: run.log)
    if task.teachers.isEmpty {
      try writeCards(
        task, as: .fineTuned, in: run, JobCards.Results(student: student, evaluation: student?.evaluation))
      return JobResult(folder: run.log.directory, results: try run.results(), tables: [])
    }
    let measured = try task.measureTeachers(student?.metrics.map(\.name) ?? [])
    let teachers = measured.map(\.whole)
    if let student {
      try run.log.writeComparison(
        teachers: teachers, answering: measured.map(\.answering), baseline: baseline, student: student)
    }
    try writeCards(
      task, as: .student, in: run,
      JobCards.Results(
        teachers: teachers, baseline: baseline, student: student, evaluation: student?.evaluation))
    let rows = measured.flatMap(\.rows) + [baseline, student].compactMap { $0 }
    return JobResult(
      folder: run.log.directory, results: try run.results(),
      tables: rows.isEmpty ? [] : [(task.loaded.task.name, rows)])
  }

  private func finish(
    _ shared: SharedTraining, _ run: RunFolder, after summary: TrainingSummary,
    baselines: [ModelMeasurement?]?
  ) throws -> JobResult {
    let directory = run.log.directory
    guard Ranks.process.isFirst else {
      return JobResult(folder: directory, results: JSONObject(), tables: [])
    }
    let students = try shared.tasks.map {
      try $0.loaded.validation == nil
        ? nil : measured($0, after: summary, in: RunLog($0.folder(in: directory)))
    }
    var tables: [(name: String, rows: [ModelMeasurement])] = []
    for (index, task) in shared.tasks.enumerated() {
      guard let student = students[index] else {
        try writeCards(task, as: .student, in: run, JobCards.Results())
        continue
      }
      let measured = try task.measureTeachers(student.metrics.map(\.name)).first
      let teacher = measured?.whole
      let alone = baselines?[index]
      if let teacher {
        try RunLog(task.folder(in: directory)).writeComparison(
          teachers: [teacher], answering: [measured?.answering], baseline: alone, student: student)
      }
      try writeCards(
        task, as: .student, in: run,
        JobCards.Results(
          teachers: [teacher].compactMap { $0 }, baseline: alone, student: student,
          evaluation: student.evaluation))
      tables.append(
        (task.loaded.task.name, (measured?.rows ?? []) + [alone, student].compactMap { $0 }))
    }
    if !tables.isEmpty {
      let results = students.map { $0?.evaluation?.result }
      try run.log.writeResults("eval", shared.distiller.summary(of: results).json)
    }
    return JobResult(folder: directory, results: try run.results(), tables: tables)
  }
}

/// Results of a job.
public struct JobResult {
  /// The run folder, which holds the student; of several tasks a folder for each.
  public let folder: URL
  /// Everything in `all_results.json`.
  public let results: JSONObject
  /// Teachers, baseline and student of each task side by side; none without a teacher or without validation rows.
  public let tables: [(name: String, rows: [ModelMeasurement])]
}

extension DistillationJob {
  /// The error of a run of BERT-of-Theseus that is told what to distil.
  package static let theseusFault = TaskError(
    "--theseus learns from the labels alone; leave out --temperature, --match and the other options of a distillation"
  )
}

extension JSONEncoder {
  /// An encoder of files that people read.
  fileprivate static var ofJobs: JSONEncoder {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
    return encoder
  }
}
