import Cluster
import Evaluation
import Foundation
import Kernels
import ModelFormats
import Tensors

extension TrainingLoop {
  /// Brings all ranks to the state of rank 0, once it is sure that they are of one run.
  ///
  /// - Throws: `TrainingError.ranks` where a rank has other settings, models or rows.
  func meet(_ state: inout TrainerState, plan: StepPlan, optimizer: Optimizer) throws {
    if ranks.size == 1 { return }
    let names = optimizer.parameters.map { "\($0.name) \($0.shape)" }
    let own = [
      ("settings", config.json.sorted.compactText), ("parameters", names.joined(separator: ", ")),
      ("steps", "\(plan.totalSteps)"), ("training rows", try data.rowsFingerprint),
      ("batches", data.orderFingerprint),
    ]
    for (name, value) in own {
      let all = ranks.gather(Array(value.utf8))
      if let rank = all.firstIndex(where: { $0 != all[0] }) {
        throw TrainingError.ranks(
          rank: rank, problem: "its \(name) differ from those of rank 0")
      }
    }
    let text = ranks.first(
      try state.json(config: config, maxSteps: plan.totalSteps).compactText)
    if !ranks.isFirst {
      state = try TrainerState(JSONValue(parsing: text), of: "rank 0", totalSteps: plan.totalSteps)
    }
    optimizer.takeFirst(of: ranks)
    for parameter in objective.state { ranks.broadcast(parameter.storage) }
  }

  /// Identity of the run, as its checkpoints hold it.
  func identity(of folder: CheckpointFolder, optimizer: Optimizer) throws -> RunIdentity {
    var origin = folder.origin
    if origin.model == nil {
      origin.model = Parameter.fingerprint(of: optimizer.parameters + objective.state)
    }
    return try RunIdentity(origin, config: config, data: data)
  }

  /// Place of the data after some updates.
  func place(after step: Int, of plan: StepPlan) -> DataPlace {
    let (epoch, stepInEpoch) = plan.position(of: step)
    // A run that is over stands behind its last epoch, or inside one that it does not finish.
    let batches = stepInEpoch == 0 ? [] : data.batches(epoch)
    let done = batches.prefix(stepInEpoch * config.gradientAccumulationSteps)
    return DataPlace(step: step, epoch: epoch, row: done.reduce(0) { $0 + $1.count })
  }

  /// Resumes weights, optimizer and state from a checkpoint.
  func resume(
    from point: ResumePoint, of identity: RunIdentity?, plan: StepPlan, optimizer: Optimizer
  ) throws -> TrainerState {
    let folder: CheckpointFolder
    switch (checkpoints, point.place) {
    case (let own?, _): folder = own
    case (nil, .checkpoint(let url)): folder = CheckpointFolder(url.deletingLastPathComponent())
    case (nil, .newest), (nil, .newestIfAny):
      throw TrainingError.runFolder(path: ".", problem: "a run without checkpoints has none to go on from")
    }
    let own = try identity ?? self.identity(of: folder, optimizer: optimizer)
    guard let choice = try folder.choose(point, for: own) else { return TrainerState() }
    let checkpoint = choice.url
    var state = try TrainerState(
      contentsOf: checkpoint.appending(path: TrainerState.fileName), totalSteps: plan.totalSteps)
    if let manifest = choice.manifest, manifest.place.step != state.globalStep {
      throw TrainingError.checkpoint(
        path: checkpoint.path,
        problem:
          "\(CheckpointManifest.fileName) is of step \(manifest.place.step), \(TrainerState.fileName) of step "
          + "\(state.globalStep)")
    }
    if let manifest = choice.manifest, !point.acceptsDifferences {
      let place = place(after: state.globalStep, of: plan)
      guard manifest.place == place else {
        throw TrainingError.checkpoint(
          path: checkpoint.path,
          problem: "it stands at row \(manifest.place.row) of epoch \(manifest.place.epoch + 1), but step "
            + "\(state.globalStep) of this run is at row \(place.row) of epoch \(place.epoch + 1)")
      }
    }
    try folder.restore(optimizer.parameters + objective.state, from: checkpoint)
    try optimizer.load(from: checkpoint.appending(path: CheckpointFolder.optimizerFile))
    bestWeights = try folder.bestWeights(of: optimizer.parameters, in: checkpoint)
    if let best = state.bestCheckpoint, !(checkpoints?.holdsBest(best, with: choice.manifest) ?? false) {
      let source = CheckpointFolder(checkpoint.deletingLastPathComponent())
      state.bestCheckpoint = nil
      if source.holdsBest(best, with: choice.manifest) {
        // The run goes on in another folder, so its checkpoints carry the best weights themselves.
        bestWeights = try source.weights(of: optimizer.parameters, in: source.directory.appending(path: best))
      } else {
        // The best weights so far are out of reach, so the best of the evaluations to come is taken.
        state.bestMetric = nil
        state.bestStep = nil
        state.evaluationsWithoutGain = 0
        for observer in observers {
          try observer.message(
            "the best checkpoint so far, \(best), is neither in the run folder nor beside \(checkpoint.path); "
              + "looking for the best anew")
        }
      }
    }
    for observer in observers {
      for note in choice.notes { try observer.warning(note) }
      try observer.message("resuming from \(checkpoint.path) after step \(state.globalStep)")
    }
    return state
  }
}

extension CheckpointFolder {
  /// Whether a checkpoint that held the best weights is there, whole and of the same run as the one that names it; beside
  /// one of form 1 it must only be there.
  fileprivate func holdsBest(_ name: String, with other: CheckpointManifest?) -> Bool {
    let url = directory.appending(path: name)
    guard let other else { return FileManager.default.fileExists(atPath: url.path) }
    guard let manifest = try? CheckpointManifest(readFrom: url), manifest.identity == other.identity else {
      return false
    }
    return (try? manifest.verify(url)) != nil
  }
}

extension Parameter {
  /// A fingerprint of some parameters' names, shapes and values.
  package static func fingerprint(of parameters: [Parameter]) -> String {
    var fingerprint = Fingerprint()
    for parameter in parameters {
      fingerprint.add(parameter.name)
      fingerprint.add(parameter.shape.dimensions)
      fingerprint.add(parameter.storage)
    }
    return fingerprint.text
  }
}

extension EvaluationResult {
  /// The result with the numbers of rank 0, by which all ranks decide alike whatever machines they run on.
  func ofFirst(of ranks: any Communicator) -> EvaluationResult {
    if ranks.size == 1 { return self }
    let numbers = ranks.first([loss ?? 0, runtime] + metrics.map(\.value))
    return EvaluationResult(
      loss: loss == nil ? nil : numbers[0], metrics: zip(metrics, numbers[2...]).map { Score($0.name, $1) },
      examples: examples, runtime: numbers[1])
  }
}
