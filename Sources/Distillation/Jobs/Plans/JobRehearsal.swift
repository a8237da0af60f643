import Tasks
package import Training

/// Rehearsal of a run: some of its first updates with their phases, of which nothing is written.
package struct JobRehearsal {
  /// Phases of the updates.
  package let phases: [StepPhases]
  /// Updates of the whole run.
  package let totalSteps: Int
}

extension PreparedJob {
  /// Rehearses the run; afterwards the job is of no more use, since its student has learnt.
  ///
  /// A teacher is asked in every update, unless a cache has its answers.
  ///
  /// - Parameter updates: The updates that are measured; one before them is not.
  /// - Throws: `TaskError` for a run of several tasks and for BERT-of-Theseus; what training throws.
  package func rehearse(updates: Int) throws -> JobRehearsal {
    guard case .single(let single) = work else {
      throw TaskError("a run of several tasks is not measured; give the recipe of one of its tasks")
    }
    var config = job.training
    let data = TrainingData(single.task.examples, config: config)
    let totalSteps = try StepPlan(data, config: config).totalSteps
    (config.maxSteps, config.loggingSteps) = (updates + 1, updates + 1)
    (config.evalStrategy, config.saveStrategy) = (.never, .never)
    (config.loadBestModelAtEnd, config.earlyStoppingPatience) = (false, nil)
    (config.reportTo, config.detectsAnomaly) = ([], false)
    // A schedule may ask for evaluations or for more updates than these; rates change no time.
    (config.lrSchedulerType, config.lrSchedulerKwargs) = (.constant, SchedulerArguments())
    (config.warmupSteps, config.warmupRatio) = (0, 0)
    config.onNonFinite = .stop
    let recorder = PhaseRecorder()
    try single.rehearse(config, recorder)
    let phases = Array(recorder.phases.dropFirst())
    if phases.isEmpty {
      throw TaskError("no update was measured: none of the first \(updates + 1) has anything to learn from")
    }
    return JobRehearsal(phases: phases, totalSteps: totalSteps)
  }
}

extension SingleTraining {
  /// Trains the student without a run folder; of two stages the last.
  fileprivate func rehearse(_ config: TrainingConfig, _ observer: any TrainingObserver) throws {
    switch work {
    case .labels: _ = try loopOfLabels(config, observers: [observer]).run()
    case .baseline: preconditionFailure("The student without a teacher is no run of its own.")
    case .theseus:
      throw TaskError("a run with --theseus is not measured: its updates change from one to the next")
    case .stages(let stages):
      try stages[stages.count - 1].distiller.train(task.examples, config: config, observers: [observer])
    }
  }
}

/// Observer that keeps the phases of updates.
private final class PhaseRecorder: StepPhaseObserver {
  private(set) var phases: [StepPhases] = []
  func measured(_ phases: StepPhases) { self.phases.append(phases) }
}
