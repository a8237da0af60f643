public import ModelFormats
public import Training

extension TrainingConfig {
  /// The settings of a run on a task: Potstill's defaults, then the values that suit the task, then those given.
  ///
  /// - Parameters:
  ///   - task: The task.
  ///   - overrides: Settings by their names; other members count for nothing.
  ///   - canEvaluate: Whether there are validation rows.
  ///   - scores: What can decide which model is best; nil takes the scores of the task.
  /// - Throws: `TrainingError.configuration` with every fault; `TaskError` for an evaluation without rows, and for a
  ///   metric that no evaluation gives.
  public init(
    for task: TaskDefinition, overrides: JSONObject = JSONObject(), canEvaluate: Bool,
    scores: DecidingScores? = nil
  ) throws {
    self.init()
    loggingSteps = 50
    saveStrategy = .auto
    evalStrategy = canEvaluate ? .epoch : .never
    loadBestModelAtEnd = canEvaluate
    metricForBestModel = task.metrics.first
    take(task.defaults)
    let unread = Self.settings.lay(overrides, over: &self, acceptsNonFinite: true)
    if !unread.isEmpty { throw TrainingError.configuration(unread) }
    if !canEvaluate && evalStrategy != .never {
      throw TaskError(
        "--eval-strategy needs a validation file; task \(task.name) names none, give --validation-file")
    }
    if evalStrategy == .never { loadBestModelAtEnd = overrides["load_best_model_at_end"]?.boolValue ?? false }
    if let name = overrides["metric_for_best_model"]?.stringValue {
      try (scores ?? DecidingScores(of: task)).check(name)
    }
    let faults = faults()
    if !faults.isEmpty { throw TrainingError.configuration(faults) }
  }

  /// The settings of a run on several tasks that are learnt together, by the name of each.
  ///
  /// Values that suit one task need not suit the others, so they do not count.
  ///
  /// - Throws: As above.
  public init(for tasks: [(name: String, task: TaskDefinition)], overrides: JSONObject = JSONObject()) throws
  {
    precondition(!tasks.isEmpty, "A run has at least one task.")
    var common = tasks[0].task
    (common.defaults, common.metrics) = (TaskDefaults(), ["average"])
    let scored = tasks.filter { $0.task.hasValidation }
    try self.init(
      for: common, overrides: overrides, canEvaluate: !scored.isEmpty, scores: DecidingScores(of: scored))
  }

  /// Takes the values that suit a task.
  private mutating func take(_ suited: TaskDefaults) {
    learningRate = suited.learningRate ?? learningRate
    numTrainEpochs = suited.numTrainEpochs ?? numTrainEpochs
    perDeviceTrainBatchSize = suited.perDeviceTrainBatchSize ?? perDeviceTrainBatchSize
    perDeviceEvalBatchSize = suited.perDeviceEvalBatchSize ?? perDeviceEvalBatchSize
    warmupRatio = suited.warmupRatio ?? warmupRatio
    weightDecay = suited.weightDecay ?? weightDecay
    lrSchedulerType = suited.lrSchedulerType.flatMap(SchedulerType.init) ?? lrSchedulerType
  }
}

/// Scores that can decide which model of a run is the best, by the names that the run's evaluations give.
public struct DecidingScores: Sendable {
  /// The names, without `eval_`.
  public let names: [String]

  /// The scores of one task.
  public init(of task: TaskDefinition) {
    names = ["loss"] + task.kind.family.decidingScores(of: task)
  }

  /// The scores of several tasks that are learnt together, by the name of each: their mean and each task's own.
  public init(of tasks: [(name: String, task: TaskDefinition)]) {
    names =
      ["loss", "average"]
      + tasks.flatMap { name, task in DecidingScores(of: task).names.map { "\(name)/\($0)" } }
  }

  /// Checks a name that the user gave, with or without `eval_`.
  ///
  /// - Throws: `TaskError`; the name would otherwise be missed by the first evaluation, after an epoch of training.
  public func check(_ name: String) throws {
    let plain = name.hasPrefix("eval_") ? String(name.dropFirst(5)) : name
    guard !names.contains(plain) else { return }
    let reason =
      plain.hasSuffix("_thresh")
      ? "is a threshold, of which neither more nor less is better" : "is not what the evaluation gives"
    throw TaskError(
      "--metric-for-best-model \(name) \(reason); expected one of \(names.joined(separator: ", ")), or a metric that "
        + "the task's file names too")
  }
}
