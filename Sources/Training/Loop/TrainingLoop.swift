import Cluster
import Foundation
import Kernels
import ModelFormats
import Tensors

/// The one training loop, counted in steps (updates).
///
/// A step takes `gradient_accumulation_steps` micro-batches, or what is left of the epoch: no example is ever dropped. With
/// micro-batches of weights w_i and mean losses l_i a step minimises Σ w_i l_i / Σ w_i, which is the mean over the
/// examples really accumulated, also when micro-batches differ in size. (Trainer of `transformers` takes the plain mean of
/// the l_i for classifiers; with equal micro-batches the two agree.)
///
/// What a sequence draws for its dropout is a function of seed, step and the sequence's row in the step's batch, so neither an
/// evaluation, a resumption nor another cut into micro-batches changes it. A resumed run equals the uninterrupted one to
/// the bit.
///
/// Where a launcher has started several ranks, each computes a share of every micro-batch, the gradients are summed over all, and
/// every rank makes the same update; see `Ranks`. Rank 0 decides, writes and tells its observers.
///
/// An observer, or the settings' `early_stopping_patience`, can end a run after any step; that step is then treated as the
/// last one: it is logged, evaluated and saved as the settings say of the last.
public final class TrainingLoop {
  let config: TrainingConfig
  let objective: any TrainingObjective
  let data: TrainingData
  private let evaluate: (() throws -> EvaluationResult)?
  let checkpoints: CheckpointFolder?
  let observers: [any TrainingObserver]
  /// Ranks that train together.
  let ranks: any Communicator = Ranks.process

  /// The best weights where no checkpoint keeps them.
  var bestWeights: [Tensor]?
  /// Whether it was said that an operation gave values that are not finite, of which nothing came.
  var hasSaidAnomaly = false
  /// Losses of the epoch beside those of a guess.
  var chance = EpochChance()
  /// Pace of checkpoints by time.
  private var pace: CheckpointPace?
  /// Identity of the run, for its checkpoints; nil without a folder for them.
  private var identity: RunIdentity?

  /// A loop that is ready to run.
  ///
  /// - Parameters:
  ///   - config: When to stop, log, evaluate and save, and how to update.
  ///   - objective: The loss and its parameters.
  ///   - data: The batches.
  ///   - evaluate: Measures the model as it is; called as `eval_strategy` says, and after the last step.
  ///   - checkpoints: Where checkpoints go; without it none is written. With a `save_strategy` of `no` only a run that is
  ///     interrupted leaves one, and the best weights stay in memory.
  ///   - observers: Told of everything, in this order.
  public init(
    config: TrainingConfig, objective: any TrainingObjective, data: TrainingData,
    evaluate: (() throws -> EvaluationResult)? = nil, checkpoints: CheckpointFolder? = nil,
    observers: [any TrainingObserver] = []
  ) {
    self.config = config
    self.objective = objective
    self.data = data
    self.evaluate = evaluate
    self.checkpoints = checkpoints
    self.observers = observers
  }

  /// Trains to the end.
  ///
  /// - Parameter point: The checkpoint to go on from; it must be of a run with the same settings, data and models, unless
  ///   the point says that another will do.
  /// - Throws: `TrainingError`, among them `.interrupted` when an observer breaks the run off, and whatever the objective,
  ///   the evaluation or an observer throws.
  public func run(resumingFrom point: ResumePoint? = nil) throws -> TrainingSummary {
    var faults = config.faults()
    if config.evalStrategy != .never && evaluate == nil {
      faults.append(
        Fault(
          "eval_strategy",
          "is \"\(config.evalStrategy.rawValue)\", but there is no validation data; give some, or say \"no\"")
      )
    }
    guard faults.isEmpty else { throw TrainingError.configuration(faults) }
    let plan = try StepPlan(data, config: config)
    let optimizer = try config.makeOptimizer(objective.groups)
    if config.zeroStage > 0 { optimizer.share(among: ranks) }
    let schedule = config.schedule(totalSteps: plan.totalSteps)
    let identity =
      try ranks.isFirst ? checkpoints.map { try self.identity(of: $0, optimizer: optimizer) } : nil
    self.identity = identity
    bestWeights = nil
    var state = TrainerState()
    _ = try ranks.exchange {
      if let point, ranks.isFirst {
        state = try resume(from: point, of: identity, plan: plan, optimizer: optimizer)
      }
      return []
    }
    try meet(&state, plan: plan, optimizer: optimizer)
    if config.lrSchedulerType == .reduceLROnPlateau {
      state.plateau = state.plateau ?? PlateauSchedule.State()
    }

    pace = CheckpointPace(bytes: optimizer.checkpointBytes, after: state.trainSeconds)
    let startStep = state.globalStep
    let startExamples = state.examplesSeen
    let startTokens = state.tokensSeen
    let startSeconds = state.trainSeconds
    let totalEpochs = plan.epochs(after: plan.totalSteps)
    if ranks.isFirst { try checkpoints?.checkRoom(for: optimizer.parameters) }
    for observer in observers {
      try observer.started(
        totalSteps: plan.totalSteps, startStep: startStep, totalEpochs: totalEpochs,
        examples: data.exampleCount)
    }
    if let checkpoints, ranks.isFirst { TemporaryName.removeLeftovers(in: checkpoints.directory) }
    optimizer.zeroGradients()

    var epochBatches: (epoch: Int, batches: [[Int]])?
    chance = EpochChance()
    var stopReason = stopReason(state)
    if state.globalStep < plan.totalSteps, stopReason == nil { try objective.begin() }
    while state.globalStep < plan.totalSteps, stopReason == nil {
      let step = state.globalStep
      let (epoch, place) = plan.position(of: step)
      let clock = ContinuousClock.now
      let batches =
        epochBatches.flatMap { $0.epoch == epoch ? $0.batches : nil } ?? data.batches(epoch)
      epochBatches = (epoch, batches)
      let first = place * config.gradientAccumulationSteps
      let micro = batches[first..<min(batches.count, first + config.gradientAccumulationSteps)]
      let result = try update(
        step: step, epoch: epoch, of: plan.totalSteps, microBatches: Array(micro), optimizer: optimizer,
        factor: schedule.factor(at: step), plateau: state.plateau.map { PlateauSchedule(config, state: $0) },
        isFirst: step == startStep)
      try count(result.fault, in: &state) { optimizer.adviceOnOverflow(isFirst: false) }
      let seconds = (ContinuousClock.now - clock) / .seconds(1)

      state.globalStep += 1
      state.epoch = plan.epochs(after: state.globalStep)
      if result.fault == nil { state.lossSum += result.loss }
      state.examplesSeen += result.examples
      state.tokensSeen += result.tokens
      state.trainSeconds += seconds
      state.window.add(result, seconds: seconds)
      chance.add(result, isWarmingUp: step < schedule.warmupSteps)
      if plan.endsEpoch(state.globalStep) {
        let begin = step - place
        try judge(
          epoch: epoch, isWhole: begin >= startStep, isFirst: begin <= schedule.warmupSteps, in: &state)
      }
      let elapsed = max(state.trainSeconds - startSeconds, 1e-9)
      let progress = TrainingProgress(
        step: state.globalStep, totalSteps: plan.totalSteps, epoch: state.epoch, totalEpochs: totalEpochs,
        loss: result.loss, learningRate: result.learningRate, gradientNorm: result.gradientNorm,
        examples: result.examples, tokens: result.tokens,
        samplesPerSecond: Double(state.examplesSeen - startExamples) / elapsed,
        tokensPerSecond: Double(state.tokensSeen - startTokens) / elapsed,
        secondsLeft: elapsed / Double(state.globalStep - startStep)
          * Double(plan.totalSteps - state.globalStep))
      for observer in observers { try observer.stepDone(progress) }
      let isSaved = try afterStep(result, state: &state, plan: plan, optimizer: optimizer)
      if ranks.any(observers.contains(where: \.isInterrupted)) {
        if !isSaved { try save(state, plan: plan, optimizer: optimizer) }
        throw TrainingError.interrupted(
          step: state.globalStep, of: plan.totalSteps,
          checkpoint: checkpoints?.directory.appending(path: CheckpointFolder.name(step: state.globalStep))
            .path)
      }
      stopReason = self.stopReason(state)
    }
    if let stopReason, state.globalStep < plan.totalSteps {
      for observer in observers {
        try observer.message("stopped after step \(state.globalStep) of \(plan.totalSteps): \(stopReason)")
      }
    }
    let summary = try finish(state, plan: plan, optimizer: optimizer)
    for observer in observers { try observer.finished(summary) }
    return summary
  }

  // MARK: Between updates

  /// Logs, evaluates and saves, in this order, where the settings say so; tells whether it saved.
  private func afterStep(
    _ result: StepResult, state: inout TrainerState, plan: StepPlan, optimizer: Optimizer
  ) throws -> Bool {
    let step = state.globalStep
    var isLast = step == plan.totalSteps || stopReason(state) != nil
    if step % config.loggingSteps == 0 || isLast || (config.loggingFirstStep && step == 1) {
      try log(result, state: &state)
    }
    var isBest = false
    if evaluate != nil, config.evalStrategy != .never {
      let isDue =
        config.evalStrategy == .epoch
        ? plan.endsEpoch(step) : step % (config.evalSteps ?? config.loggingSteps) == 0
      // Whoever watched the log may have asked for the end by now.
      isLast = isLast || stopReason(state) != nil
      if isDue || isLast { isBest = try evaluateNow(&state, optimizer: optimizer) }
    }
    if !isLast, stopReason(state) != nil {
      isLast = true
      if state.window.steps > 0 { try log(result, state: &state) }
    }
    let isDue: Bool =
      switch config.saveStrategy {
      case .never: false
      case .epoch: plan.endsEpoch(step) || isLast
      case .steps: step % config.saveSteps == 0
      case .auto: try !isLast && isDueByPace(state, optimizer: optimizer)
      }
    guard checkpoints != nil, isDue || (isBest && config.loadBestModelAtEnd && keepsCheckpoints) else {
      return false
    }
    try save(state, plan: plan, optimizer: optimizer)
    return true
  }

  /// Whether so much was computed that it is to be kept; all ranks go by the first where they save together.
  private func isDueByPace(_ state: TrainerState, optimizer: Optimizer) throws -> Bool {
    let isDue = pace?.isDue(after: state.trainSeconds) ?? false
    return optimizer.shares == nil ? isDue : try ranks.first { isDue }
  }

  /// Whether the settings ask for checkpoints, one of which then holds the best weights.
  private var keepsCheckpoints: Bool {
    checkpoints != nil && (config.saveStrategy == .steps || config.saveStrategy == .epoch)
  }

  private func save(_ state: TrainerState, plan: StepPlan, optimizer: Optimizer) throws {
    guard checkpoints != nil else { return }
    guard let checkpoints, let identity, ranks.isFirst else {
      // Weights are the same on all ranks, so that all meet this error.
      try optimizer.requireFiniteWeights(after: state.globalStep)
      return optimizer.handStates()
    }
    let clock = ContinuousClock.now
    defer { pace?.saved(after: state.trainSeconds, in: (ContinuousClock.now - clock) / .seconds(1)) }
    try optimizer.requireFiniteWeights(after: state.globalStep)
    let best = bestWeights.map { zip(optimizer.parameters, $0).map { Parameter(name: $0.name, value: $1) } }
    try checkpoints.write(
      place(after: state.globalStep, of: plan), of: identity,
      state: state.json(config: config, maxSteps: plan.totalSteps), optimizer: optimizer,
      stateParameters: objective.state, best: best ?? [])
    try checkpoints.prune(keeping: config.saveTotalLimit, upTo: state.globalStep, best: state.bestCheckpoint)
  }

  /// Reason to end the run here, nil while it shall go on.
  private func stopReason(_ state: TrainerState) -> String? {
    if let patience = config.earlyStoppingPatience, state.evaluationsWithoutGain >= patience {
      return "\(config.bestMetricName) did not improve in \(state.evaluationsWithoutGain) evaluations"
    }
    let reason = observers.lazy.compactMap(\.stopReason).first
    if ranks.size == 1 { return reason }
    let first = ranks.first(reason ?? "")
    return first.isEmpty ? nil : first
  }

  private func log(_ result: StepResult, state: inout TrainerState) throws {
    let window = state.window
    let seconds = max(window.seconds, 1e-9)
    let entry = TrainingLogEntry(
      step: state.globalStep, epoch: state.epoch,
      loss: window.steps == 0 ? .nan : window.mean(window.lossSum),
      parts: window.parts.map { ($0.name, $0.mean) }, learningRate: result.learningRate,
      gradientNorm: result.gradientNorm, samplesPerSecond: Double(window.examples) / seconds,
      tokensPerSecond: Double(window.tokens) / seconds, skippedSteps: state.skippedSteps)
    state.log(entry.json)
    state.window = LossWindow()
    for observer in observers { try observer.logged(entry) }
  }

  /// Evaluates and says whether this is the best model so far.
  private func evaluateNow(_ state: inout TrainerState, optimizer: Optimizer) throws -> Bool {
    guard let evaluate else { return false }
    try optimizer.requireFiniteWeights(after: state.globalStep)
    for observer in observers { try observer.evaluationStarted(step: state.globalStep) }
    let result = try evaluate().ofFirst(of: ranks)
    let name = config.bestMetricName
    let value = result.value(name)
    if value == nil,
      config.loadBestModelAtEnd || config.metricForBestModel != nil || config.earlyStoppingPatience != nil
        || state.plateau != nil
    {
      throw TrainingError.unknownMetric(name, known: result.names)
    }
    var isBest = false
    state.noteGain(of: value, config)
    if let value, let plateau = state.plateau {
      var schedule = PlateauSchedule(config, state: plateau)
      schedule.evaluated(value)
      if schedule.state.falls > plateau.falls {
        let rate = schedule.rate(config.learningRate)
        for observer in observers {
          try observer.message("\(name) is on a plateau: the learning rate is now \(rate)")
        }
      }
      state.plateau = schedule.state
    }
    if let value, value.isFinite {
      isBest = state.bestMetric.map { config.moreIsBetter ? value > $0 : value < $0 } ?? true
      if isBest {
        state.bestMetric = value
        state.bestStep = state.globalStep
        if config.loadBestModelAtEnd {
          state.bestCheckpoint = keepsCheckpoints ? CheckpointFolder.name(step: state.globalStep) : nil
          bestWeights = keepsCheckpoints || !ranks.isFirst ? nil : Self.copies(of: optimizer.parameters)
        }
      }
    }
    state.log(result.line(step: state.globalStep, epoch: state.epoch))
    for observer in observers {
      try observer.evaluated(result, step: state.globalStep, epoch: state.epoch, isBest: isBest)
      if let doubt = result.doubt { try observer.warning(doubt) }
    }
    return isBest
  }

  // MARK: Beginning and end

  private static func copies(of parameters: [Parameter]) -> [Tensor] {
    parameters.map { Tensor(storage: $0.storage.copy(), shape: $0.shape) }
  }

  private func finish(_ state: TrainerState, plan: StepPlan, optimizer: Optimizer) throws -> TrainingSummary {
    try optimizer.requireFiniteWeights(after: state.globalStep)
    try closeSkips(of: state)
    var holdsBest = false
    if config.loadBestModelAtEnd, let best = state.bestStep {
      if best == state.globalStep || !ranks.isFirst {
        holdsBest = true
      } else if let bestWeights {
        for (parameter, value) in zip(optimizer.parameters, bestWeights) { parameter.assign(value) }
        holdsBest = true
      } else if let checkpoints, let name = state.bestCheckpoint {
        try checkpoints.restore(optimizer.parameters, from: checkpoints.directory.appending(path: name))
        holdsBest = true
      }
      holdsBest = try ranks.first { holdsBest }
      if holdsBest, best != state.globalStep { optimizer.takeFirstValues(of: ranks) }
      if holdsBest, let metric = state.bestMetric {
        for observer in observers {
          try observer.message(
            "the model has the weights of its best evaluation: step \(best), \(config.bestMetricName) \(metric)"
          )
        }
      }
    }
    bestWeights = nil
    return TrainingSummary(
      globalStep: state.globalStep, epoch: state.epoch,
      trainLoss: state.lossSum / Double(max(1, state.globalStep - state.skippedSteps)),
      trainRuntime: state.trainSeconds, exampleCount: data.exampleCount, examplesSeen: state.examplesSeen,
      tokensSeen: state.tokensSeen,
      bestMetric: state.bestMetric, bestStep: state.bestStep, holdsBestWeights: holdsBest,
      stoppedEarly: state.globalStep < plan.totalSteps, skippedSteps: state.skippedSteps,
      epochsAtChance: state.epochsAtChance)
  }
}
