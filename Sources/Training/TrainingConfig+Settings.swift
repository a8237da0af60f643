public import ModelFormats

extension TrainingConfig {
  /// The table of all settings, under the names of `transformers.TrainingArguments`.
  public static let settings = Settings<TrainingConfig>(
    stepSettings + batchSettings + scheduleSettings + reportSettings + choiceSettings)

  /// The settings of an update.
  private static let stepSettings: [Setting<TrainingConfig>] = [
    Setting(
      "learning_rate", \.learningRate, help: "Peak learning rate.",
      check: { value, _ in
        value.isFinite && value > 0
          ? factor(value)
          : ["is \(value); expected a number above 0, such as 5e-5"] + (value > 0 ? factor(value) : [])
      }),
    Setting(
      "weight_decay", \.weightDecay, help: "Weight decay of everything but biases and LayerNorm.",
      check: { value, _ in factor(value) }),
    Setting("optim", \.optim, help: "Update rule."),
    Setting(
      "optim_args", \.optimArgs, help: "Arguments of the update rule, such as name=value, name=value.",
      check: { value, config in
        guard let value else { return [] }
        guard OptimizerConstants.arguments(value) != nil else {
          return ["is \"\(value)\"; expected name=value, with a comma between two of them"]
        }
        return config.optim.faults(of: config.optimizerConstants).map { "\($0)" }
      }),
    Setting(
      "adam_beta1", \.adamBeta1, help: "AdamW's decay of the mean gradient.",
      check: { value, _ in decay(value) }),
    Setting(
      "adam_beta2", \.adamBeta2, help: "AdamW's decay of the mean square.",
      check: { value, _ in decay(value) }),
    Setting(
      "adam_epsilon", \.adamEpsilon, help: "AdamW's addition to the denominator.",
      check: { value, _ in
        value.isFinite && value > 0
          ? factor(value) : ["is \(value); expected a number above 0"] + (value > 0 ? factor(value) : [])
      }),
    Setting("sgd_momentum", \.sgdMomentum, help: "SGD's momentum.", check: { value, _ in factor(value) }),
    Setting(
      "sgd_nesterov", \.sgdNesterov, help: "Whether SGD's momentum looks ahead.",
      check: { value, config in
        value && !(config.sgdMomentum > 0)
          ? ["is true, but sgd_momentum is 0; give a momentum such as 0.9"] : []
      }),
    Setting(
      "max_grad_norm", \.maxGradNorm,
      help: "Norm that all gradients together are clipped to; 0 turns it off.",
      check: { value, _ in factor(value) }),
  ]

  /// The settings of how much is learnt from, and in what portions.
  private static let batchSettings: [Setting<TrainingConfig>] = [
    Setting(
      "num_train_epochs", \.numTrainEpochs, help: "Passes over the training data, fractions allowed.",
      check: { value, config in
        // What does not count must be a number all the same, since it is written into recipes.
        let counts = config.maxSteps <= 0
        if counts ? value > 0 && value <= maximumEpochs : value.isFinite { return [] }
        return [
          "is \(value); expected a number above 0, at most a million"
            + (counts ? " (or a positive max_steps)" : "")
        ]
      }),
    Setting(
      "max_steps", \.maxSteps, help: "Updates in all, instead of a number of epochs.",
      check: { value, _ in
        value == -1 || value > 0
          ? positive(value > 0 ? value : nil, atMost: maximumSteps)
          : ["is \(value); expected at least 1, or -1 for whole epochs"]
      }),
    Setting(
      "per_device_train_batch_size", \.perDeviceTrainBatchSize, help: "Sequences in a batch.",
      check: { value, _ in positive(value, atMost: maximumBatch) }),
    Setting(
      "per_device_eval_batch_size", \.perDeviceEvalBatchSize, help: "Sequences in an evaluation batch.",
      isHarmless: true, check: { value, _ in positive(value, atMost: maximumBatch) }),
    Setting(
      "tokens_per_batch", \.tokensPerBatch, help: "Tokens in a batch, instead of a number of sequences.",
      check: { value, _ in positive(value, atMost: maximumBatch) }),
    Setting(
      "group_by_length", \.groupByLength, help: "Put sequences of similar length into one batch."),
    Setting(
      "gradient_accumulation_steps", \.gradientAccumulationSteps, help: "Batches in an update.",
      check: { value, _ in positive(value, atMost: maximumAccumulation) }),
  ]

  /// The settings of the learning rate over a run.
  private static let scheduleSettings: [Setting<TrainingConfig>] = [
    Setting("lr_scheduler_type", \.lrSchedulerType, help: "Shape of the learning rate over the run."),
    Setting(
      "lr_scheduler_kwargs", \.lrSchedulerKwargs,
      help: "The shape's own settings: lr_end and power (polynomial), num_cycles (cosine).",
      check: { _, config in config.scheduleFaults }),
    Setting(
      "warmup_ratio", \.warmupRatio, help: "Share of the updates that warm up, 0 to 1.",
      check: { value, _ in value >= 0 && value <= 1 ? [] : ["is \(value); expected 0 to 1"] }),
    Setting(
      "warmup_steps", at: \.warmupSteps, help: "Updates that warm up; wins over the ratio.",
      read: { reader, config in
        // As in transformers 5, a number below 1 is a ratio.
        guard let value = reader.value("warmup_steps") else { return }
        if let steps = value.intValue ?? value.doubleValue.flatMap({ Int(exactly: $0) }) {
          config.warmupSteps = steps
        } else if let ratio = value.doubleValue, ratio > 0, ratio < 1 {
          config.warmupRatio = ratio
        } else {
          reader.add("warmup_steps", "is \(value.inWords); expected a whole number, or a ratio below 1")
        }
      },
      write: { .integer($0.warmupSteps) },
      check: { config in
        config.warmupSteps < 0
          ? [Fault("warmup_steps", "is \(config.warmupSteps); expected at least 0")] : []
      }),
  ]

  /// The settings of what is reported and kept.
  private static let reportSettings: [Setting<TrainingConfig>] = [
    Setting(
      "logging_steps", \.loggingSteps, help: "Updates between two lines of metrics.jsonl.", isHarmless: true,
      check: { value, _ in positive(value) }),
    Setting(
      "logging_first_step", \.loggingFirstStep, help: "Whether the first update is logged too.",
      isHarmless: true),
    Setting("eval_strategy", \.evalStrategy, help: "When to evaluate.", isHarmless: true),
    Setting(
      "eval_steps", \.evalSteps, help: "Updates between two evaluations with --eval-strategy steps.",
      isHarmless: true, check: { value, _ in positive(value) }),
    Setting(
      "save_strategy", \.saveStrategy, help: "When to write a checkpoint that a run can resume from.",
      isHarmless: true),
    Setting(
      "save_steps", \.saveSteps, help: "Updates between two checkpoints with --save-strategy steps.",
      isHarmless: true, check: { value, _ in positive(value) }),
    Setting(
      "save_total_limit", \.saveTotalLimit, help: "Checkpoints kept, the best one not counted.",
      isHarmless: true, check: { value, _ in positive(value) }),
  ]

  /// The settings of which model a run ends with, and of chance.
  private static let choiceSettings: [Setting<TrainingConfig>] = [
    Setting(
      "load_best_model_at_end", \.loadBestModelAtEnd, help: "End with the weights of the best evaluation.",
      check: { value, config in
        value && config.evalStrategy == .never
          ? [
            "is true, but eval_strategy is \"no\"; choose \"steps\" or \"epoch\", so that there is a best model"
          ]
          : []
      }),
    Setting(
      "metric_for_best_model", \.metricForBestModel,
      help: "What the best evaluation is judged by: loss or one of the task's metrics."),
    Setting(
      "greater_is_better", \.greaterIsBetter, help: "Whether more of that metric is better."),
    Setting(
      "early_stopping_patience", \.earlyStoppingPatience,
      help: "Stop after so many evaluations in a row without gain in that metric.", isHarmless: true,
      check: { value, config in
        positive(value)
          + (value != nil && config.evalStrategy == .never
            ? ["counts evaluations, but eval_strategy is \"no\"; choose \"steps\" or \"epoch\""] : [])
      }),
    Setting(
      "early_stopping_threshold", \.earlyStoppingThreshold,
      help: "What counts as a gain: more than this beyond the best so far.", isHarmless: true,
      check: { value, _ in finite(value) }),
    Setting("seed", \.seed, help: "Seed of batch order, dropout and fresh parameters."),
    Setting("data_seed", \.dataSeed, help: "Seed of the batch order alone."),
  ]

  /// The most updates of a run.
  package static let maximumSteps = 100_000_000
  /// The most passes over the data.
  package static let maximumEpochs = 1e6
  /// The most sequences or tokens of a batch.
  package static let maximumBatch = Int(Int32.max)
  /// The most micro-batches of an update.
  package static let maximumAccumulation = 65_536

  // MARK: Checks

  private static func finite(_ value: Double) -> [String] {
    value.isFinite && value >= 0 ? [] : ["is \(value); expected a finite number of at least 0.0"]
  }

  /// A number that computations multiply by.
  private static func factor(_ value: Double) -> [String] {
    let faults = finite(value)
    return faults.isEmpty ? SinglePrecision.fault(of: value).map { ["is \(value), \($0)"] } ?? [] : faults
  }

  private static func decay(_ value: Double) -> [String] {
    value >= 0 && Float(value) < 1 ? [] : ["is \(value); expected 0 up to but not including 1"]
  }

  private static func positive(_ value: Int?, atMost maximum: Int = .max) -> [String] {
    guard let value, !(1...maximum).contains(value) else { return [] }
    return ["is \(value); expected at least 1" + (value > maximum ? " and at most \(maximum)" : "")]
  }

  /// What is wrong with the schedule's own settings.
  private var scheduleFaults: [String] {
    var faults: [String] = []
    let known: [String] =
      switch lrSchedulerType {
      case .polynomial: ["lr_end", "power"]
      case .cosine: ["num_cycles"]
      case .linear, .constant, .constantWithWarmup: []
      }
    for (key, value) in lrSchedulerKwargs.sorted(by: { $0.key < $1.key }) {
      if !known.contains(key) {
        faults.append(
          "has \"\(key)\", which \(lrSchedulerType.rawValue) does not know; it knows "
            + (known.isEmpty ? "no settings" : known.joined(separator: ", ")))
      } else if !value.isFinite || value < 0 {
        faults.append("\(key) is \(value); expected a finite number of at least 0")
      }
    }
    let end = lrSchedulerKwargs["lr_end"] ?? 1e-7
    if lrSchedulerType == .polynomial, end >= learningRate {
      faults.append("lr_end is \(end); expected less than learning_rate, which is \(learningRate)")
    }
    return faults
  }
}

extension TrainingConfig {
  /// Everything wrong with the settings, in the order of the table; empty when they can be used.
  public func faults() -> [Fault] { Self.settings.faults(of: self) }

  /// The settings under their keys; those that are nil are null.
  public var json: JSONValue { .object(Self.settings.json(of: self)) }

  /// The settings of an object; what it leaves out keeps its default, and what it says of other things is passed over.
  ///
  /// - Throws: `TrainingError.configuration` with everything that cannot be read.
  public init(json: JSONValue) throws(TrainingError) {
    self.init()
    guard let object = json.objectValue else {
      throw .configuration([
        Fault("training settings", "found \(json.inWords), expected keys such as learning_rate")
      ])
    }
    let faults = Self.settings.lay(object, over: &self)
    if !faults.isEmpty { throw .configuration(faults) }
  }
}

extension TrainingConfig: Codable {
  /// Reads the settings of a recipe; what it leaves out keeps its default.
  ///
  /// Unknown keys are the reader's business.
  ///
  /// - Throws: `TrainingError.configuration` with everything that cannot be read.
  public init(from decoder: any Decoder) throws { try self.init(json: JSONValue(from: decoder)) }

  /// Writes every setting; those that are nil are written as null, so that reading gives the same value back.
  public func encode(to encoder: any Encoder) throws { try json.encode(to: encoder) }
}

extension OptimizerName: SettingValue {}
extension SchedulerType: SettingValue {}
extension TrainingStrategy: SettingValue {}
