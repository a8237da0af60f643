import Cluster
import Datasets
import Encoders
import Evaluation
import Foundation
import ModelFormats
import Tasks
import Tensors
import Tokenization
import Training

/// A task of a job with its rows and its teachers.
struct LoadedTask {
  /// Task as the job describes it.
  let task: JobTask
  /// The rows.
  private(set) var rows: RunRows
  /// The teachers, the one whose layers are matched first.
  let teachers: [LoadedTeacher]
  /// Base of the student; nil where it has no teacher, or is one of several tasks' and no teacher is a file.
  let base: StudentBase?
  /// The rows that models are scored on; nil without any.
  let validation: TokenizedRows?

  /// Definition of the task.
  var definition: TaskDefinition { task.definition }

  /// Reads the rows and loads the teachers.
  init(_ task: JobTask, of job: DistillationJob, _ listener: any WorkListener) throws {
    self.task = task
    let isFile = task.teachers.map { $0.path.map(AnswersFile.isNamed) ?? false }
    if isFile.contains(true), task.augmentation != nil {
      throw TaskError(
        "--augment makes texts that a file of answers has no answers to; leave it out, or answer such texts too "
          + "('potstill augment' writes them)")
    }
    // Answers of files belong to rows one by one, and new texts are made of all rows at once.
    let isInMemory = isFile.contains(true) || task.augmentation != nil
    if isInMemory, let folder = job.rowStorage.folder {
      throw TaskError(
        "--tokenized-dir \(folder): rows with a file of answers, and rows of which new texts are made, stay in memory; leave "
          + "it out")
    }
    var rows = try RunRows(
      task.reader, maxTrain: job.maxTrainSamples, maxValidation: job.maxEvalSamples,
      readsUnlabelled: !task.teachers.isEmpty, needsTrainFile: !isFile.contains(true),
      storage: isInMemory ? nil : job.rowStorage, listener: listener)
    var loaded: [LoadedTeacher?] = try zip(task.teachers, isFile).map { teacher, isFile in
      isFile
        ? nil
        : try LoadedTeacher(
          teacher, kind: task.definition.kind, allowsNonFinite: job.allowsNonFinite, listener: listener)
    }
    base = try Self.base(of: job, task, loaded)
    if isFile.contains(true), let base {
      let files = try zip(task.teachers, isFile).compactMap { teacher, isFile in
        try isFile
          ? teacher.path.map { try AnswersFile($0, of: task.definition, badRows: task.badRows) } : nil
      }
      var found = try AnswersOfRows.find(
        in: files, for: &rows, of: task.definition, maxTrain: job.maxTrainSamples, listener: listener)
      for place in isFile.indices where isFile[place] {
        loaded[place] = LoadedTeacher(
          found.removeFirst(), weight: task.teachers[place].weight, base: base, task: task.definition)
      }
    }
    self.rows = rows
    teachers = loaded.compactMap { $0 }
    validation = rows.validation.map {
      TokenizedRows($0, of: task.definition, split: "validation", listener: listener)
    }
  }

  /// The base of the student: the model that it names, else the first teacher that is one; nil where nothing asks for it.
  private static func base(
    of job: DistillationJob, _ task: JobTask, _ teachers: [LoadedTeacher?]
  ) throws -> StudentBase? {
    guard let first = task.teachers.first else { return nil }
    let model = teachers.compactMap { $0 }.first
    if job.student.source == nil, let model { return StudentBase(model, isFirst: teachers[0] != nil) }
    return try StudentBase(
      of: job.student, for: task.definition, labels: model?.config.labels ?? task.definition.modelLabels,
      teacher: first.path ?? "", seed: job.training.seed)
  }

  /// Adds rows without labels, for the teachers to label.
  mutating func add(_ more: TaskExamples) { rows.add(more) }
}

/// A task of a job as the student reads it, ready to be trained on.
struct PreparedTask {
  /// Rows and teachers.
  let loaded: LoadedTask
  /// The task's part of the student.
  let student: TokenizedModel
  /// Descriptions that configurations are checked against.
  let description: ModelDescription
  /// The order of the student's outputs.
  let labelOrder: LabelOrder
  /// The longest input of the student.
  let limit: Int
  /// The examples as a teacher with other tokens reads them; nil where it reads the student's.
  let alignment: AlignedExamples?
  /// The training examples as the student reads them.
  let examples: EncodedExamples
  /// The rows that the student is scored on, as it reads them; nil without any.
  let scored: TokenizedRows.Reading?
  /// Evaluations in training.
  let memory = EvaluationMemory()
  /// A fingerprint of the student's tokenizer.
  private let tokenizer: String
  private let listener: any WorkListener
  /// Each further teacher's output for each output of the first; nil where outputs have no names.
  private let outputs: [[Int]?]

  /// Definition of the task.
  var definition: TaskDefinition { loaded.definition }
  /// The teachers, the one whose layers are matched first.
  var teachers: [LoadedTeacher] { loaded.teachers }

  /// Tokenizes the rows for all models.
  ///
  /// - Parameters:
  ///   - student: The student.
  ///   - index: The place of the task among those of the job.
  ///   - isMultitask: Whether the student reads its own tokens whatever the teachers'.
  init(
    _ loaded: LoadedTask, _ student: MadeStudent, at index: Int, isMultitask: Bool,
    _ listener: any WorkListener
  ) throws {
    (self.loaded, self.listener) = (loaded, listener)
    let own = student.folder(index)
    (self.student, description) = (own, student.descriptions[index])
    let (task, first) = (loaded.definition, loaded.teachers.first)
    let tokenizer = CacheKey.fingerprint(of: own.tokenizer)
    self.tokenizer = tokenizer
    let labelOrder = try LabelOrder(
      labels: isMultitask ? own.model.config.labels : first?.config.labels ?? own.model.config.labels,
      path: first?.path ?? student.name, task: task)
    self.labelOrder = labelOrder
    outputs = try loaded.teachers.dropFirst().map { teacher in
      let own = try LabelOrder(labels: teacher.config.labels, path: teacher.path, task: task).outputs
      guard let own, let first = labelOrder.outputs else { return nil }
      var outputs = first
      for (label, output) in first.enumerated() { outputs[output] = own[label] }
      return outputs
    }
    func checkPairs(_ rows: TaskExamples) throws {
      for teacher in loaded.teachers {
        try TokenizedModel.checkPairs(
          rows, config: teacher.config, tokenizer: isMultitask ? own.tokenizer : teacher.tokenizer,
          path: teacher.path)
      }
    }
    if loaded.rows.stored == nil { try checkPairs(loaded.rows.train) }
    let asked = task.maxSequenceLength
    let (ownLimit, otherLimit) = (own.lengthLimit(asked), first?.lengthLimit(asked))
    if !isMultitask, let first, first.stated == nil, let otherLimit, asked > min(ownLimit, otherLimit) {
      listener.warn(
        "texts are cut at fewer tokens than the \(asked) asked for: \(own.path) reads \(ownLimit) at most, "
          + "\(first.path) \(otherLimit)")
    } else if !isMultitask, first?.stated != nil || first == nil {
      own.noteRepeatedTokens(on: listener)
      _ = own.lengthLimit(asked, listener: listener)
    }
    let sharesTokens = isMultitask || first.map { $0.tokenizerFingerprint == tokenizer } ?? true
    let limit =
      sharesTokens ? ([ownLimit] + loaded.teachers.map { $0.lengthLimit(asked) }).min() ?? ownLimit : ownLimit
    self.limit = limit
    listener.counted(.tokenized(split: "train", reader: tokenizer))
    var other: TokenReader?
    if !sharesTokens, let first, let otherLimit {
      other = TokenReader(first.tokenizer, limit: otherLimit, fingerprint: first.tokenizerFingerprint)
    }
    let encoded: EncodedExamples
    if let stored = loaded.rows.stored {
      (encoded, alignment) = try stored.tokenized(
        TokenReader(own.tokenizer, limit: limit, fingerprint: tokenizer), teacher: other)
      try checkPairs(loaded.rows.pairs)
      try TokenizedModel.checkPairs(
        loaded.rows.pairs, config: own.model.config, tokenizer: own.tokenizer, path: own.path)
    } else {
      let task = try own.encode(loaded.rows.train, of: task, limit: limit)
      let places = loaded.rows.places
      encoded = EncodedExamples(task.examples).placed { places(task.row(of: $0)) }
      alignment = try other.map { other in
        listener.counted(.tokenized(split: "train", reader: other.fingerprint))
        return try AlignedExamples(
          loaded.rows.train, student: task, studentTokenizer: own.tokenizer, studentLength: ownLimit,
          teacherTokenizer: other.tokenizer, teacherLength: other.limit)
      }
    }
    if let other, let alignment {
      listener.note("teacher and student read different tokens: each encodes the texts itself")
      if alignment.shortenedCount > 0 {
        listener.warn(
          "the teacher sees less than the student of \(alignment.shortenedCount) of \(encoded.count) examples: "
            + "it reads \(other.limit) tokens at most; a smaller --max-seq-length makes them alike")
      }
    }
    let relabelled = labelOrder.relabel(encoded)
    examples = loaded.teachers.isEmpty ? relabelled.withTarget : relabelled
    scored = try loaded.validation?.reading(of: own, tokenizer: tokenizer, limit: limit)
  }

  /// The labelled rows of another task for a student that is as it was before it learnt.
  init(labelledRowsOf other: PreparedTask, _ student: MadeStudent, at index: Int) {
    (loaded, listener, outputs) = (other.loaded, other.listener, other.outputs)
    (self.student, description) = (student.folder(index), student.descriptions[index])
    (labelOrder, limit, scored, tokenizer) = (other.labelOrder, other.limit, other.scored, other.tokenizer)
    alignment = nil
    examples = other.examples.withTarget
  }

  /// Whether any example has a label.
  var hasLabels: Bool { examples.targetCount > 0 }
  /// Whether student and teachers read the same tokens.
  var sharesTokens: Bool { alignment == nil }

  /// The way in which labels are learnt.
  ///
  /// - Throws: `TrainingError.configuration` for what the task's labels cannot have.
  func hardLabelLoss(_ training: TrainingConfig) throws(TrainingError) -> HardLabelLoss {
    try HardLabelLoss(training, of: student.model, examples: examples)
  }

  /// A distiller of the task's teachers; no other place of a job makes one.
  ///
  /// - Parameters:
  ///   - config: What the student learns from.
  ///   - seed: Decides the projections' initial weights.
  ///   - projectionPrefix: What the names of the projections' parameters begin with.
  /// - Throws: `DistillationError.invalidConfiguration` with every fault.
  func makeDistiller(
    _ config: DistillationConfig, seed: UInt64, projectionPrefix: String = "projections"
  ) throws -> GeneralDistiller {
    listener.counted(.builtDistiller(loaded.task.name))
    return try GeneralDistiller(
      config, teacher: try teacher(for: config), student: student.model, description: description,
      hasLabels: hasLabels, seed: seed, projectionPrefix: projectionPrefix)
  }

  /// The teacher of a distiller: one that is aligned where it reads other tokens, or the mean of several.
  private func teacher(for config: DistillationConfig) throws -> any Teacher {
    let first = teachers[0]
    // Layers are matched with the first teacher, and labels need none.
    guard teachers.count > 1, config.usesTeacherLogits else {
      let teacher = try first.teacher()
      return alignment.map { AlignedTeacher(teacher, examples: $0) } ?? teacher
    }
    if alignment != nil {
      throw TaskError(
        "\(student.path) reads other tokens than \(first.path); several teachers must read the student's tokens. "
          + "Choose one teacher, or a student that reads theirs")
    }
    let members = try zip(teachers, [nil] + outputs).map { teacher, outputs in
      ReorderedTeacher(try teacher.teacher(), labels: student.model.config.labels, outputs: outputs)
    }
    return try TeacherEnsemble(
      members, weights: teachers.map(\.weight), average: loaded.task.teacherAverage)
  }

  /// The passes over the data of a run on this task alone.
  func epochs(_ training: TrainingConfig) -> Double {
    guard training.maxSteps > 0 else { return training.numTrainEpochs }
    let batches = TrainingData(examples, config: training).batchCount(0)
    return Double(training.maxSteps * training.gradientAccumulationSteps) / Double(max(1, batches))
  }

  /// The way in which a distiller's teachers are asked.
  func answers(
    for distiller: GeneralDistiller, epochs: Double, maxGB: Double?, folder: URL?
  ) throws -> TeacherAnswers {
    let cachePaths = teachers.compactMap(\.cachePath)
    return try TeacherAnswers(
      keepsAnswers: loaded.task.keepsAnswers,
      cachePath: cachePaths.isEmpty ? nil : cachePaths.joined(separator: ", "),
      maxGB: maxGB,
      distiller: distiller, examples: alignment?.teacher ?? examples, epochs: epochs, folder: folder)
  }

  /// Plan of what a run would do and need.
  ///
  /// - Parameters:
  ///   - config: What the student learns from.
  ///   - training: The settings.
  ///   - examples: What it learns from; nil takes all examples.
  ///   - countsSteps: Whether the steps are those of this task alone.
  ///   - distiller: The distiller that has resolved the configuration; nil resolves it here.
  ///   - student: The student's description, where it is not the model as it was made.
  ///   - cache: Where answers are kept.
  func plan(
    _ config: DistillationConfig, training: TrainingConfig, of examples: EncodedExamples? = nil,
    countsSteps: Bool, by distiller: GeneralDistiller? = nil, student: ModelDescription? = nil,
    cache: CachePlan? = nil
  ) throws -> DistillationPlan {
    let examples = examples ?? self.examples
    let data = TrainingData(examples, config: training)
    let lengths = examples.lengths
    let (teacher, own) = (teachers[0].description, student ?? description)
    let steps = countsSteps ? try StepPlan(data, config: training).totalSteps : nil
    return try DistillationPlan(
      config,
      resolved: distiller.map { ($0.matches, $0.warnings) }
        ?? config.resolved(teacher: teacher, student: own, hasLabels: hasLabels, isAligned: !sharesTokens),
      teacher: teacher, student: own, training: training,
      steps: steps,
      // Of a rank's share.
      tokensPerBatch: (data.batches(0).map { batch in batch.reduce(0) { $0 + lengths[$1] } }.max() ?? 0)
        / Ranks.count,
      sequenceLength: lengths.max() ?? 0,
      furtherTeachers: DistillationPlan.FurtherTeachers(
        teachers.dropFirst().map(\.description), weights: teachers.map(\.weight),
        average: loaded.task.teacherAverage),
      cache: cache,
      idleWordValues: idleWordValues(of: examples, in: data, steps: steps ?? .max, training))
  }

  /// The values of the student's word table that the steps of a run never touch; 0 where rows are in files, which nobody reads for this.
  func idleWordValues(
    of examples: EncodedExamples, in data: TrainingData, steps: Int, _ training: TrainingConfig
  ) -> Int {
    guard !examples.isStored else { return 0 }
    let batches = steps.multipliedReportingOverflow(by: training.gradientAccumulationSteps)
    guard !batches.overflow, batches.partialValue < data.batchCount(0) else {
      return self.student.model.idleWordValues(readingAll: examples.lazy.map(\.ids))
    }
    let rows = data.batches(0).prefix(batches.partialValue).joined()
    return self.student.model.idleWordValues(readingAll: rows.lazy.map { examples[$0].ids })
  }

  // MARK: Scores

  /// Scores the student as the training loop asks for it; nil without validation rows.
  var score: (() throws -> EvaluationResult)? {
    scored.map { scored in
      { [memory, student, labelOrder] in
        memory.keep(
          try evaluateTask(
            student.model, scored.data, outputs: labelOrder.outputs, over: Ranks.process))
      }
    }
  }

  /// A fingerprint of the rows that evaluations score.
  var validationFingerprint: String? { scored.map { EncodedExample.fingerprint(of: $0.data.examples) } }

  /// The evaluation of the student as a run left it, made now where the run did not make it; nil without validation rows.
  func evaluation(after summary: TrainingSummary, as path: String) throws -> TaskEvaluation? {
    guard let validation = loaded.validation else { return nil }
    let student = TokenizedModel(path: path, model: student.model, tokenizer: student.tokenizer)
    let reading = try validation.reading(of: student, tokenizer: tokenizer)
    let own = try LabelOrder(model: student.model, path: path, task: definition)
    // Evaluations of the run are of the values before they were rounded for the file.
    if student.model.saveDType == .float32, reading === scored, own.outputs == labelOrder.outputs,
      let known = memory.evaluation(after: summary)
    {
      return known
    }
    listener.counted(.evaluated(path))
    return try EvaluationData(task: definition, examples: validation.rows)
      .evaluate(student, encoded: reading.data, listener: listener)
  }

  /// Measures the student as a run left it; nil without validation rows.
  ///
  /// - Parameter path: The folder that it was saved to.
  func measureStudent(after summary: TrainingSummary, as path: String) throws -> ModelMeasurement? {
    guard let validation = loaded.validation else { return nil }
    let student = TokenizedModel(path: path, model: student.model, tokenizer: student.tokenizer)
    let reading = try validation.reading(of: student, tokenizer: tokenizer)
    let latency = ModelMeasurement.latency(of: student.model, on: reading.data.examples)
    return try evaluation(after: summary, as: path).map {
      ModelMeasurement(of: student, latency: latency, $0)
    }
  }

  /// Measures the teachers, of one that is not there as its cache says; none without validation rows.
  ///
  /// - Parameter metrics: The scores to look for where a cache says them.
  func measureTeachers(_ metrics: [String]) throws -> [MeasuredTeacher] {
    guard let validation = loaded.validation else { return [] }
    return try teachers.compactMap { teacher in
      if let stated = teacher.stated {
        return try scored.map { MeasuredTeacher(whole: try ModelMeasurement(of: stated, on: $0.data)) }
      }
      if teacher.folder == nil, let answers = teacher.answers {
        return MeasuredTeacher(whole: try ModelMeasurement(of: answers.description, metrics))
      }
      return try teacher.measured(on: validation, of: definition, listener)
    }
  }
}
