import ModelFormats

extension TrainingConfig {
  /// Everything wrong with the settings, in the order of the fields; empty when they can be used.
  public func faults() -> [ConfigurationFault] {
    var faults: [ConfigurationFault] = []
    func require(_ condition: Bool, _ field: CodingKeys, _ problem: @autoclosure () -> String) {
      if !condition { faults.append(ConfigurationFault(field.rawValue, problem())) }
    }
    func finite(_ value: Double, atLeast minimum: Double, _ field: CodingKeys) {
      require(
        value.isFinite && value >= minimum, field,
        "is \(value); expected a finite number of at least \(minimum)")
    }
    func factor(_ value: Double, _ field: CodingKeys) {
      guard value.isFinite && value >= 0 else { return finite(value, atLeast: 0, field) }
      if let reason = SinglePrecision.fault(of: value) { require(false, field, "is \(value), \(reason)") }
    }
    func positive(_ value: Int?, _ field: CodingKeys, atMost maximum: Int = .max) {
      guard let value else { return }
      require(
        value >= 1 && value <= maximum, field,
        "is \(value); expected at least 1" + (value > maximum ? " and at most \(maximum)" : ""))
    }
    require(
      learningRate.isFinite && learningRate > 0, .learningRate,
      "is \(learningRate); expected a number above 0, such as 5e-5")
    if learningRate > 0 { factor(learningRate, .learningRate) }
    factor(weightDecay, .weightDecay)
    for (value, field) in [(adamBeta1, CodingKeys.adamBeta1), (adamBeta2, .adamBeta2)] {
      require(value >= 0 && Float(value) < 1, field, "is \(value); expected 0 up to but not including 1")
    }
    require(
      adamEpsilon.isFinite && adamEpsilon > 0, .adamEpsilon, "is \(adamEpsilon); expected a number above 0")
    if adamEpsilon > 0 { factor(adamEpsilon, .adamEpsilon) }
    factor(sgdMomentum, .sgdMomentum)
    require(
      !sgdNesterov || sgdMomentum > 0, .sgdNesterov,
      "is true, but sgd_momentum is 0; give a momentum such as 0.9")
    factor(maxGradNorm, .maxGradNorm)
    // What does not count must be a number all the same, since it is written into recipes.
    require(
      maxSteps > 0 ? numTrainEpochs.isFinite : numTrainEpochs > 0 && numTrainEpochs <= Self.maximumEpochs,
      .numTrainEpochs,
      "is \(numTrainEpochs); expected a number above 0, at most a million"
        + (maxSteps > 0 ? "" : " (or a positive max_steps)"))
    require(
      maxSteps == -1 || maxSteps > 0, .maxSteps, "is \(maxSteps); expected at least 1, or -1 for whole epochs"
    )
    if maxSteps > 0 { positive(maxSteps, .maxSteps, atMost: Self.maximumSteps) }
    positive(perDeviceTrainBatchSize, .perDeviceTrainBatchSize, atMost: Self.maximumBatch)
    positive(perDeviceEvalBatchSize, .perDeviceEvalBatchSize, atMost: Self.maximumBatch)
    positive(tokensPerBatch, .tokensPerBatch, atMost: Self.maximumBatch)
    positive(gradientAccumulationSteps, .gradientAccumulationSteps, atMost: Self.maximumAccumulation)
    faults += scheduleFaults()
    positive(loggingSteps, .loggingSteps)
    positive(evalSteps, .evalSteps)
    positive(saveSteps, .saveSteps)
    positive(saveTotalLimit, .saveTotalLimit)
    require(
      !loadBestModelAtEnd || evalStrategy != .never, .loadBestModelAtEnd,
      "is true, but eval_strategy is \"no\"; choose \"steps\" or \"epoch\", so that there is a best model")
    positive(earlyStoppingPatience, .earlyStoppingPatience)
    finite(earlyStoppingThreshold, atLeast: 0, .earlyStoppingThreshold)
    require(
      earlyStoppingPatience == nil || evalStrategy != .never, .earlyStoppingPatience,
      "counts evaluations, but eval_strategy is \"no\"; choose \"steps\" or \"epoch\"")
    return faults
  }

  /// The most updates of a run.
  package static let maximumSteps = 100_000_000
  /// The most passes over the data.
  package static let maximumEpochs = 1e6
  /// The most sequences or tokens of a batch.
  package static let maximumBatch = Int(Int32.max)
  /// The most micro-batches of an update.
  package static let maximumAccumulation = 65_536

  private func scheduleFaults() -> [ConfigurationFault] {
    var faults: [ConfigurationFault] = []
    func add(_ field: CodingKeys, _ problem: String) {
      faults.append(ConfigurationFault(field.rawValue, problem))
    }
    let known: [String] =
      switch lrSchedulerType {
      case .polynomial: ["lr_end", "power"]
      case .cosine: ["num_cycles"]
      case .linear, .constant, .constantWithWarmup: []
      }
    for (key, value) in lrSchedulerKwargs.sorted(by: { $0.key < $1.key }) {
      if !known.contains(key) {
        add(
          .lrSchedulerKwargs,
          "has \"\(key)\", which \(lrSchedulerType.rawValue) does not know; it knows "
            + (known.isEmpty ? "no settings" : known.joined(separator: ", ")))
      } else if !value.isFinite || value < 0 {
        add(.lrSchedulerKwargs, "\(key) is \(value); expected a finite number of at least 0")
      }
    }
    let end = lrSchedulerKwargs["lr_end"] ?? 1e-7
    if lrSchedulerType == .polynomial, end >= learningRate {
      add(.lrSchedulerKwargs, "lr_end is \(end); expected less than learning_rate, which is \(learningRate)")
    }
    if !(warmupRatio >= 0 && warmupRatio <= 1) { add(.warmupRatio, "is \(warmupRatio); expected 0 to 1") }
    if warmupSteps < 0 { add(.warmupSteps, "is \(warmupSteps); expected at least 0") }
    return faults
  }
}
