import ModelFormats

/// Plan of how epochs become steps: a step takes up to `accumulation` micro-batches, and the tail of an epoch is a step too.
///
/// With s_e steps in epoch e, E epochs make s_0 + … + s_(⌊E⌋-1) + ⌈(E - ⌊E⌋) s_⌊E⌋⌉ steps; `max_steps` overrules that, and then
/// as many epochs are begun as it takes.
package struct StepPlan {
  /// The steps of every epoch that is begun, as if it were finished.
  let stepsInEpoch: [Int]
  /// The steps of the run.
  package let totalSteps: Int

  package init(_ data: TrainingData, config: TrainingConfig) throws(TrainingError) {
    let accumulation = config.gradientAccumulationSteps
    var stepsInEpoch: [Int] = []
    func refuse(_ steps: Int, after epochs: Int) -> TrainingError {
      let field = config.maxSteps > 0 ? "max_steps" : "num_train_epochs"
      return .configuration([
        Fault(
          field,
          "asks for \(steps) updates or more in \(epochs) passes over the data; expected at most "
            + "\(TrainingConfig.maximumSteps) updates and \(Int(TrainingConfig.maximumEpochs)) passes")
      ])
    }
    func countEpoch(_ epoch: Int) throws(TrainingError) -> Int {
      let batches = data.batchCount(epoch)
      guard batches > 0 else {
        throw .noData(
          "there is nothing to train on: the data set of \(data.exampleCount) examples gave no batch for "
            + "epoch \(epoch). Check the training file.")
      }
      let steps = (batches + accumulation - 1) / accumulation
      stepsInEpoch.append(steps)
      return steps
    }
    var total = 0
    if config.maxSteps > 0 {
      while total < config.maxSteps {
        if stepsInEpoch.count >= Int(TrainingConfig.maximumEpochs) {
          throw refuse(config.maxSteps, after: stepsInEpoch.count)
        }
        total += try countEpoch(stepsInEpoch.count)
      }
      total = config.maxSteps
    } else {
      let whole = Int(config.numTrainEpochs.rounded(.down))
      for epoch in 0..<whole {
        total += try countEpoch(epoch)
        if total > TrainingConfig.maximumSteps { throw refuse(total, after: epoch + 1) }
      }
      let rest = config.numTrainEpochs - Double(whole)
      if rest > 0 {
        let steps = try countEpoch(whole)
        total += min(steps, Int((rest * Double(steps)).rounded(.up)))
      }
    }
    self.stepsInEpoch = stepsInEpoch
    totalSteps = total
  }

  /// The epoch (from 0) that step `step` (from 0) belongs to, and its place there.
  func position(of step: Int) -> (epoch: Int, stepInEpoch: Int) {
    var rest = step
    for (epoch, count) in stepsInEpoch.enumerated() {
      if rest < count { return (epoch, rest) }
      rest -= count
    }
    return (stepsInEpoch.count, rest)
  }

  /// The epochs done after `step` steps, with a fraction.
  func epochs(after step: Int) -> Double {
    let (epoch, place) = position(of: step)
    guard epoch < stepsInEpoch.count else { return Double(epoch) }
    return Double(epoch) + Double(place) / Double(stepsInEpoch[epoch])
  }

  /// Whether an epoch ends with the step that made `step` steps.
  func endsEpoch(_ step: Int) -> Bool { step > 0 && position(of: step).stepInEpoch == 0 }
}
