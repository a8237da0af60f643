import Cluster
public import Datasets
import Encoders
public import Foundation
import ModelFormats
import Tasks
public import Tokenization
import Training

extension GeneralDistiller {
  /// Distils: trains the student on encoded examples, scoring it as the settings say.
  ///
  /// ```swift
  /// let distiller = try GeneralDistiller(DistillationConfig(temperature: 8), teacher: teacher, student: student)
  /// let summary = try distiller.train(examples, validation: validation, config: training)
  /// try student.save(to: folder)
  /// ```
  ///
  /// - Parameters:
  ///   - examples: What the student sees; those without a label count for everything but the hard-label loss.
  ///   - validation: What a student that classifies sequences is scored on.
  ///   - metrics: The names of the metrics.
  ///   - score: What scores a student that is no classifier of sequences when it is due, instead of `validation`.
  ///   - config: Epochs, batches, learning rate and the like.
  ///   - asking: Work that asks the teacher ahead, done once the first update is due, and not where the run goes on from its
  ///     end; nil for none.
  ///   - checkpoints: Where checkpoints go; projections are kept beside the student.
  ///   - observers: Told of everything, in this order.
  ///   - point: The checkpoint of the run to go on from.
  /// - Throws: `DistillationError`, `TrainingError`, and what an adaptor or observer throws.
  @discardableResult
  public func train(
    _ examples: some ExampleRows, validation: [EncodedExample] = [], metrics: [String] = ["accuracy"],
    score: (() throws -> EvaluationResult)? = nil,
    config: TrainingConfig, asking: (() throws -> Void)? = nil, checkpoints: CheckpointFolder? = nil,
    observers: [any TrainingObserver] = [], resumingFrom point: ResumePoint? = nil
  ) throws -> TrainingSummary {
    let examples = examples.encodedExamples
    let data = TrainingData(examples, config: config)
    try take(config, for: examples)
    try prepare(for: examples, data: data, config: config, asking: asking)
    let loop = TrainingLoop(
      config: config, objective: self, data: data,
      evaluate: score
        ?? (validation.isEmpty
          ? nil : { try evaluateClassifier(self.student, validation, metrics: metrics).result }),
      checkpoints: checkpoints, observers: observers)
    return try loop.run(resumingFrom: point)
  }

  /// Freezes what the settings say, saves in the type that they say, and learns labels as they say.
  ///
  /// - Throws: `TrainingError.configuration` for what the student cannot do.
  func take(_ training: TrainingConfig, for examples: EncodedExamples) throws(TrainingError) {
    try student.prepare(as: training)
    hardLabelLoss = try HardLabelLoss(training, of: student, examples: examples)
  }

  /// Checks labels, the teacher's kept answers and accumulation, and makes the teacher ready.
  ///
  /// - Throws: `DistillationError` when labels are missing that the configuration asks for, answers are to other examples, or
  ///   micro-batches cannot be added up.
  func prepare(
    for examples: EncodedExamples, data: TrainingData, config training: TrainingConfig,
    asking: (() throws -> Void)? = nil
  ) throws(DistillationError) {
    try checkLabels(of: examples)
    try checkAccumulation(training.gradientAccumulationSteps, ranks: Ranks.count)
    func prepareTeacher() throws(DistillationError) {
      try checkCaching()
      try teacher.prepare(for: examples, config: config) { data.batches(0) }
    }
    guard let asking else { return try prepareTeacher() }
    preparation = {
      try asking()
      try prepareTeacher()
    }
  }

  /// Checks that no loss relates the rows of a whole batch where an update has several micro-batches, or ranks that share them.
  ///
  /// - Throws: `DistillationError.invalidConfiguration` naming each loss that does.
  package func checkAccumulation(_ steps: Int, ranks: Int = 1) throws(DistillationError) {
    let faults = config.accumulationFaults(steps, ranks: ranks)
    if !faults.isEmpty { throw .invalidConfiguration(faults) }
  }

  /// Checks that the labels are there that the configuration asks for.
  private func checkLabels(of examples: EncodedExamples) throws(DistillationError) {
    guard !examples.isEmpty, examples.targetCount == 0 else { return }
    let faults = self.config.labelFaults(hasLabels: false)
    if !faults.isEmpty { throw .invalidConfiguration(faults) }
  }
}

extension GeneralDistiller {
  /// Asks the teacher once about every example and learns from the answers kept in a file from then on.
  ///
  /// A file that holds them already, of an earlier run or of a student before, is used as it is; one that a crash left
  /// half-finished is gone on with; one of another teacher, of other examples or of other layers is replaced.
  ///
  /// - Parameters:
  ///   - examples: What `train` will be given.
  ///   - url: The file.
  ///   - name: What messages call the teacher.
  ///   - tokenizer: The teacher's tokenizer, if it is known.
  ///   - budget: How much disk the file may take; by default half of what is free.
  ///   - isTemporary: Whether the file is a run's own, which is removed with the run.
  ///   - progress: Told of the examples done.
  /// - Throws: `DistillationError.cache` when no cache can serve this distiller, it is too large, damaged or cannot be
  ///   written.
  @discardableResult
  public func cacheTeacher(
    over examples: some ExampleRows, in url: URL, name: String = "teacher",
    tokenizer: (any Tokenizer)? = nil, budget: CacheBudget? = nil, isTemporary: Bool = false,
    progress: (_ done: Int) throws -> Void = { _ in }
  ) throws -> TeacherCacheFile {
    if let cacheObstacle { throw DistillationError.cache(file: url.path, message: cacheObstacle) }
    guard let live = teacher.sources[0] as? LiveTeacher, let model = live.model else {
      preconditionFailure("A teacher that is no model can fill no cache; its answers are at hand already.")
    }
    let examples = teacher.alignment?.teacher ?? examples.encodedExamples
    let lasting = TeacherCacheDescription(
      fingerprint: live.fingerprint, of: model, name: name, tokenizer: tokenizer, examples: examples,
      parts: cachedParts)
    let description = isTemporary ? lasting.temporary : lasting
    let ranks = Ranks.process
    let isThere = try ranks.first {
      guard FileManager.default.fileExists(atPath: url.path) else { return false }
      return try TeacherCacheFile(url).faults(for: description.key, parts: cachedParts).isEmpty
    }
    if !isThere {
      try TeacherCacheFile.write(
        url, description: description, examples: examples, teacher: model,
        budget: budget ?? .halfOfFreeSpace(at: url), over: ranks, progress: progress)
    }
    let answers = try TeacherCacheFile(url)
    try use(answers)
    return answers
  }

  /// Learns from answers of the teacher that are there already; of several teachers, from the first one's, and keeps the
  /// logits of the others in memory.
  ///
  /// - Throws: `DistillationError.cache` when they lack what the configuration needs, or are another teacher's.
  public func use(_ answers: TeacherCacheFile) throws(DistillationError) {
    if let cacheObstacle { throw .cache(file: answers.url.path, message: cacheObstacle) }
    let live = teacher.sources[0] as? LiveTeacher
    let stored = try StoredTeacher(answers, answersOf: live, description: teacher.sources[0].description)
    let others = teacher.replacingSources { source, number in number == 0 ? stored : source }
    teacher = others.remembering()
    try checkAnswers()
  }

  /// Checks that the files of answers hold what is needed of each example.
  func checkAnswers() throws(DistillationError) {
    for (number, source) in teacher.sources.enumerated() {
      guard let stored = source as? StoredTeacher else { continue }
      try stored.file.check(
        parts: number == 0
          ? cachedParts : config.usesTeacherLogits ? CachedPart.logits(of: stored.config) : [])
    }
  }

  /// Checks that answers which are to be kept are kept on disk where matches need layers.
  func checkCaching() throws(DistillationError) {
    if config.cacheTeacherLogits, !matches.isEmpty, !(teacher.sources[0] is StoredTeacher) {
      throw .invalidConfiguration([
        Fault(
          "cache_teacher_logits",
          "keeps logits in memory, but the matches need layers as well; call cacheTeacher(over:in:) before train, or "
            + "set it to false")
      ])
    }
  }
}

extension DistillationConfig {
  /// Reason why a teacher's answers cannot be kept; nil if they can.
  ///
  /// - Parameter matches: The matches as they apply to the models.
  package func cacheObstacle(teacher: ModelDescription, matches: [Match]) -> String? {
    if teacher.family.answersWithTokens {
      return "which words are masked changes from epoch to epoch, so the teacher must be asked each time"
    }
    if let match = matches.first(where: { !$0.isOfLayers }) {
      return "\(match.teacher.name) is a named module, whose values are not kept"
    }
    return nil
  }
}

/// TextBrewer's `BasicDistiller`: a `GeneralDistiller` whose configuration has no matches; here it takes them as well.
public typealias BasicDistiller = GeneralDistiller

/// TextBrewer's `BasicTrainer`: training on labels alone.
public typealias BasicTrainer = TaskTrainer
