extension TrainingConfig: Codable {
  /// The settings as a recipe spells them.
  public enum CodingKeys: String, CodingKey, CaseIterable {
    /// See `TrainingConfig.learningRate`; the other keys likewise.
    case learningRate = "learning_rate"
    case weightDecay = "weight_decay"
    case optim
    case adamBeta1 = "adam_beta1"
    case adamBeta2 = "adam_beta2"
    case adamEpsilon = "adam_epsilon"
    case sgdMomentum = "sgd_momentum"
    case sgdNesterov = "sgd_nesterov"
    case maxGradNorm = "max_grad_norm"
    case numTrainEpochs = "num_train_epochs"
    case maxSteps = "max_steps"
    case perDeviceTrainBatchSize = "per_device_train_batch_size"
    case perDeviceEvalBatchSize = "per_device_eval_batch_size"
    case tokensPerBatch = "tokens_per_batch"
    case groupByLength = "group_by_length"
    case gradientAccumulationSteps = "gradient_accumulation_steps"
    case lrSchedulerType = "lr_scheduler_type"
    case lrSchedulerKwargs = "lr_scheduler_kwargs"
    case warmupRatio = "warmup_ratio"
    case warmupSteps = "warmup_steps"
    case loggingSteps = "logging_steps"
    case loggingFirstStep = "logging_first_step"
    case evalStrategy = "eval_strategy"
    case evalSteps = "eval_steps"
    case saveStrategy = "save_strategy"
    case saveSteps = "save_steps"
    case saveTotalLimit = "save_total_limit"
    case loadBestModelAtEnd = "load_best_model_at_end"
    case metricForBestModel = "metric_for_best_model"
    case greaterIsBetter = "greater_is_better"
    case earlyStoppingPatience = "early_stopping_patience"
    case earlyStoppingThreshold = "early_stopping_threshold"
    case seed
    case dataSeed = "data_seed"
  }

  /// Reads the settings of a recipe; what it leaves out keeps its default.
  ///
  /// Unknown keys are the reader's business.
  ///
  /// As in transformers 5, a `warmup_steps` below 1 is a ratio.
  public init(from decoder: any Decoder) throws {
    let values = try decoder.container(keyedBy: CodingKeys.self)
    func read<Value: Decodable>(_ key: CodingKeys, into value: inout Value) throws {
      if let found = try values.decodeIfPresent(Value.self, forKey: key) { value = found }
    }
    self.init()
    try read(.learningRate, into: &learningRate)
    try read(.weightDecay, into: &weightDecay)
    try read(.optim, into: &optim)
    try read(.adamBeta1, into: &adamBeta1)
    try read(.adamBeta2, into: &adamBeta2)
    try read(.adamEpsilon, into: &adamEpsilon)
    try read(.sgdMomentum, into: &sgdMomentum)
    try read(.sgdNesterov, into: &sgdNesterov)
    try read(.maxGradNorm, into: &maxGradNorm)
    try read(.numTrainEpochs, into: &numTrainEpochs)
    try read(.maxSteps, into: &maxSteps)
    try read(.perDeviceTrainBatchSize, into: &perDeviceTrainBatchSize)
    try read(.perDeviceEvalBatchSize, into: &perDeviceEvalBatchSize)
    tokensPerBatch = try values.decodeIfPresent(Int.self, forKey: .tokensPerBatch)
    try read(.groupByLength, into: &groupByLength)
    try read(.gradientAccumulationSteps, into: &gradientAccumulationSteps)
    try read(.lrSchedulerType, into: &lrSchedulerType)
    try read(.lrSchedulerKwargs, into: &lrSchedulerKwargs)
    try read(.warmupRatio, into: &warmupRatio)
    if let warmup = try values.decodeIfPresent(Double.self, forKey: .warmupSteps) {
      if warmup > 0 && warmup < 1 {
        warmupRatio = warmup
      } else if let steps = Int(exactly: warmup) {
        warmupSteps = steps
      } else {
        throw DecodingError.dataCorruptedError(
          forKey: .warmupSteps, in: values,
          debugDescription: "warmup_steps is \(warmup); expected a whole number, or a ratio below 1")
      }
    }
    try read(.loggingSteps, into: &loggingSteps)
    try read(.loggingFirstStep, into: &loggingFirstStep)
    try read(.evalStrategy, into: &evalStrategy)
    evalSteps = try values.decodeIfPresent(Int.self, forKey: .evalSteps)
    try read(.saveStrategy, into: &saveStrategy)
    try read(.saveSteps, into: &saveSteps)
    if values.contains(.saveTotalLimit) {
      saveTotalLimit = try values.decodeIfPresent(Int.self, forKey: .saveTotalLimit)
    }
    try read(.loadBestModelAtEnd, into: &loadBestModelAtEnd)
    metricForBestModel = try values.decodeIfPresent(String.self, forKey: .metricForBestModel)
    greaterIsBetter = try values.decodeIfPresent(Bool.self, forKey: .greaterIsBetter)
    earlyStoppingPatience = try values.decodeIfPresent(Int.self, forKey: .earlyStoppingPatience)
    try read(.earlyStoppingThreshold, into: &earlyStoppingThreshold)
    try read(.seed, into: &seed)
    dataSeed = try values.decodeIfPresent(UInt64.self, forKey: .dataSeed)
  }

  /// Writes every setting; those that are nil are written as null, so that reading gives the same value back.
  public func encode(to encoder: any Encoder) throws {
    var values = encoder.container(keyedBy: CodingKeys.self)
    try values.encode(learningRate, forKey: .learningRate)
    try values.encode(weightDecay, forKey: .weightDecay)
    try values.encode(optim, forKey: .optim)
    try values.encode(adamBeta1, forKey: .adamBeta1)
    try values.encode(adamBeta2, forKey: .adamBeta2)
    try values.encode(adamEpsilon, forKey: .adamEpsilon)
    try values.encode(sgdMomentum, forKey: .sgdMomentum)
    try values.encode(sgdNesterov, forKey: .sgdNesterov)
    try values.encode(maxGradNorm, forKey: .maxGradNorm)
    try values.encode(numTrainEpochs, forKey: .numTrainEpochs)
    try values.encode(maxSteps, forKey: .maxSteps)
    try values.encode(perDeviceTrainBatchSize, forKey: .perDeviceTrainBatchSize)
    try values.encode(perDeviceEvalBatchSize, forKey: .perDeviceEvalBatchSize)
    try values.encode(tokensPerBatch, forKey: .tokensPerBatch)
    try values.encode(groupByLength, forKey: .groupByLength)
    try values.encode(gradientAccumulationSteps, forKey: .gradientAccumulationSteps)
    try values.encode(lrSchedulerType, forKey: .lrSchedulerType)
    try values.encode(lrSchedulerKwargs, forKey: .lrSchedulerKwargs)
    try values.encode(warmupRatio, forKey: .warmupRatio)
    try values.encode(warmupSteps, forKey: .warmupSteps)
    try values.encode(loggingSteps, forKey: .loggingSteps)
    try values.encode(loggingFirstStep, forKey: .loggingFirstStep)
    try values.encode(evalStrategy, forKey: .evalStrategy)
    try values.encode(evalSteps, forKey: .evalSteps)
    try values.encode(saveStrategy, forKey: .saveStrategy)
    try values.encode(saveSteps, forKey: .saveSteps)
    try values.encode(saveTotalLimit, forKey: .saveTotalLimit)
    try values.encode(loadBestModelAtEnd, forKey: .loadBestModelAtEnd)
    try values.encode(metricForBestModel, forKey: .metricForBestModel)
    try values.encode(greaterIsBetter, forKey: .greaterIsBetter)
    try values.encode(earlyStoppingPatience, forKey: .earlyStoppingPatience)
    try values.encode(earlyStoppingThreshold, forKey: .earlyStoppingThreshold)
    try values.encode(seed, forKey: .seed)
    try values.encode(dataSeed, forKey: .dataSeed)
  }
}
