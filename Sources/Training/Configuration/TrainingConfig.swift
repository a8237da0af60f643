public import ModelFormats

/// The settings of a run, named and defaulted as `transformers.TrainingArguments`.
///
/// Differences from Trainer, each on purpose: `per_device_train_batch_size` may be replaced by a token budget
/// (`tokens_per_batch`); checkpoints stay bounded (`save_total_limit` 2 rather than unlimited); the mean of an
/// accumulated step is over its examples (see `TrainingLoop`).
public struct TrainingConfig: Sendable, Equatable {
  /// The learning rate at factor 1 of the schedule.
  public var learningRate = 5e-5
  /// The factor by which the learning rate falls with each layer away from the answer; nil is the same rate everywhere.
  public var layerwiseLRDecay: Double?
  /// The weight decay of weight matrices; biases and normalisation weights never decay.
  public var weightDecay = 0.0
  /// The update rule, such as `adamw_torch`.
  public var optim = OptimizerName.adamW
  /// Arguments of the update rule that have no setting of their own, such as `name=value, name=value`.
  public var optimArgs: String?
  /// AdamW's decay of the gradient's running mean.
  public var adamBeta1 = 0.9
  /// AdamW's decay of the running mean of squares.
  public var adamBeta2 = 0.999
  /// AdamW's addition to the denominator.
  public var adamEpsilon = 1e-8
  /// SGD's momentum.
  public var sgdMomentum = 0.0
  /// Whether SGD's momentum looks ahead.
  public var sgdNesterov = false
  /// The norm that all gradients together are clipped to; 0 turns clipping off.
  public var maxGradNorm = 1.0
  /// Policy for updates whose loss or gradients are NaN or infinite.
  public var onNonFinite = NonFinitePolicy.stop
  /// Whether every operation of an update is watched for the first value that is not finite, which is slow.
  public var detectsAnomaly = false
  /// The passes over the data, possibly fractional; ignored when `maxSteps` is positive.
  public var numTrainEpochs = 3.0
  /// The number of updates; -1 leaves it to `numTrainEpochs`.
  public var maxSteps = -1
  /// Sequences in a micro-batch.
  public var perDeviceTrainBatchSize = 8
  /// Sequences in an evaluation batch when no token budget is given.
  public var perDeviceEvalBatchSize = 8
  /// Tokens in a micro-batch; when given, it replaces the fixed number of sequences.
  public var tokensPerBatch: Int?
  /// Whether batches hold sequences of similar length.
  public var groupByLength = false
  /// Micro-batches in an update.
  public var gradientAccumulationSteps = 1
  /// Whether a Transformer's layers are computed again in the backward pass instead of kept until then.
  public var gradientCheckpointing = false
  /// The stage of ZeRO: 1 shares the optimizer's states among the ranks, 0 keeps all of them on each.
  public var zeroStage = 0
  /// The share of each label that all classes divide in the loss on labels, as `LabelSmoother` of `transformers`.
  public var labelSmoothingFactor = 0.0
  /// Weights of classes in the loss on labels; nil weighs all alike.
  public var classWeights: ClassWeights?
  /// Whether what comes before an encoder's layers keeps its weights.
  public var freezesEmbeddings = false
  /// Layers of the encoder that keep their weights; nil trains all.
  public var frozenLayers: FrozenLayers?
  /// Whether the encoder's matrices compute as their 8-bit integers will.
  public var quantizationAware = false
  /// The shape of the learning rate.
  public var lrSchedulerType = SchedulerType.linear
  /// The schedule's own settings, such as `lr_end` and `power` (polynomial) or `num_cycles` (cosine).
  public var lrSchedulerKwargs = SchedulerArguments()
  /// The share of the run that warms up; used when `warmupSteps` is 0.
  public var warmupRatio = 0.0
  /// The updates that warm up.
  public var warmupSteps = 0
  /// Updates between two log lines.
  public var loggingSteps = 500
  /// Whether the first update is logged too.
  public var loggingFirstStep = false
  /// Reports beside the log, which other programs read.
  public var reportTo: [ReportTarget] = []
  /// The folder of TensorBoard's event files; nil is `runs` in the run folder.
  public var loggingDir: String?
  /// Strategy of evaluations: when the model is evaluated.
  public var evalStrategy = TrainingStrategy.never
  /// Updates between two evaluations; nil takes `loggingSteps`.
  public var evalSteps: Int?
  /// Strategy of checkpoints: when one is written.
  public var saveStrategy = SaveStrategy.steps
  /// Updates between two checkpoints.
  public var saveSteps = 500
  /// The checkpoints kept, beside the best one; nil keeps all.
  public var saveTotalLimit: Int? = 2
  /// Type of the floats in the saved model; checkpoints that a run resumes from keep all bits.
  public var saveDType = SaveDType.float32
  /// Whether the run ends with the weights of its best evaluation.
  public var loadBestModelAtEnd = false
  /// Metric by which the best evaluation is judged, with or without `eval_`; nil means the loss.
  public var metricForBestModel: String?
  /// Whether more is better; nil means yes, unless the metric is a loss, a perplexity or an error (`mse`, `mae`).
  public var greaterIsBetter: Bool?
  /// The evaluations in a row without gain after which the run stops, by the metric of the best model; nil never stops.
  public var earlyStoppingPatience: Int?
  /// Threshold of a gain: more than this beyond the best value so far, as in `EarlyStoppingCallback`.
  public var earlyStoppingThreshold = 0.0
  /// The seed of everything random: batch order, dropout, fresh parameters.
  public var seed: UInt64 = 42
  /// The seed of the batch order alone; nil takes `seed`.
  public var dataSeed: UInt64?

  /// The default settings.
  public init() {}
}

extension TrainingConfig {
  /// The update rule with its constants.
  public var optimizer: OptimizerConfig { optim.config(optimizerConstants) }

  /// An optimizer of this run for some groups of parameters.
  ///
  /// - Throws: `TrainingError.parameterNames` when two different parameters share a name, or one is in two groups.
  package func makeOptimizer(_ groups: [ParameterGroup]) throws(TrainingError) -> Optimizer {
    try Optimizer(
      optimizer, groups: groups, learningRate: learningRate, weightDecay: weightDecay,
      layerwiseDecay: layerwiseLRDecay ?? 1)
  }

  /// The constants of the update rule.
  var optimizerConstants: OptimizerConstants {
    var constants = OptimizerConstants()
    (constants.beta1, constants.beta2, constants.epsilon) = (adamBeta1, adamBeta2, adamEpsilon)
    (constants.momentum, constants.nesterov) = (sgdMomentum, sgdNesterov)
    constants.arguments = optimArgs.flatMap(OptimizerConstants.arguments) ?? JSONObject()
    return constants
  }
}

extension TrainingConfig {
  /// The table of all settings, under the names of `transformers.TrainingArguments`.
  public static let settings = Settings<TrainingConfig>(
    stepSettings + batchSettings + labelSettings + scheduleSettings + reportSettings + choiceSettings)

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
      "layerwise_lr_decay", \.layerwiseLRDecay,
      help: "Factor on the learning rate for each layer away from the answer, as ELECTRA fine-tunes.",
      check: { value, _ in
        value.map { $0 > 0 && $0 <= 1 } ?? true ? [] : ["is \(value ?? 0); expected above 0, at most 1"]
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
    Setting(
      "on_nonfinite", \.onNonFinite,
      help: "What to do where a loss or gradient is NaN or infinite: stop, or skip the update and count it.",
      isHarmless: true, isWritten: { $0 != .stop }),
    Setting(
      "detect_anomaly", \.detectsAnomaly,
      help: "Look at every operation's values, and name the first that are not finite; slow.",
      isHarmless: true, isWritten: { $0 }),
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
    Setting(
      "gradient_checkpointing", \.gradientCheckpointing,
      help:
        "Compute a Transformer's layers again in the backward pass, a third more time, and keep one layer's values at a time.",
      isHarmless: true, isWritten: { $0 }),
    Setting(
      "zero_stage", \.zeroStage,
      help: "1 shares the optimizer's states among the ranks (ZeRO); 0 keeps all of them on each.",
      isHarmless: true, isWritten: { $0 != 0 },
      check: { value, _ in
        0...1 ~= value
          ? [] : ["is \(value); expected 0 or 1, which shares the optimizer's states among the ranks"]
      }),
  ]

  /// The settings of how labels are learnt, and of what learns them.
  private static let labelSettings: [Setting<TrainingConfig>] = [
    Setting(
      "label_smoothing_factor", \.labelSmoothingFactor,
      help: "Share of each label that all classes divide in the loss on labels, 0 to 1.",
      isWritten: { $0 != 0 },
      check: { value, _ in value >= 0 && value <= 1 ? [] : ["is \(value); expected 0 to 1, such as 0.1"] }),
    Setting(
      "class_weights", \.classWeights,
      help:
        "Weights of classes in the loss on labels: balanced, by how rare they are, or label=2,label=0.5; the others weigh 1.",
      check: { value, _ in value?.faults ?? [] }),
    Setting(
      "freeze_embeddings", \.freezesEmbeddings, help: "Keep the embeddings as they are.", isWritten: { $0 }),
    Setting(
      "freeze_layers", \.frozenLayers,
      help: "Keep layers of the encoder as they are: the first so many, or by their numbers from 0, as 0-3,6."
    ),
    Setting(
      "quantization_aware", \.quantizationAware,
      help: "Train and score the model as the 8-bit integers of its matrices will compute.", isWritten: { $0 }
    ),
  ]

  /// The settings of the learning rate over a run.
  private static let scheduleSettings: [Setting<TrainingConfig>] = [
    Setting(
      "lr_scheduler_type", \.lrSchedulerType, help: "Shape of the learning rate over the run.",
      check: { value, config in
        value == .reduceLROnPlateau && config.evalStrategy == .never
          ? [
            "is \(value.rawValue), which evaluations move on, but eval_strategy is \"no\"; choose \"steps\" or \"epoch\""
          ]
          : []
      }),
    Setting(
      "lr_scheduler_kwargs", \.lrSchedulerKwargs,
      help:
        "The shape's own settings: lr_end and power (polynomial), num_cycles (cosine, cosine_with_restarts), timescale (inverse_sqrt), num_decay_steps, num_stable_steps, min_lr_ratio and num_cycles (warmup_stable_decay), factor, patience, threshold, threshold_mode, cooldown, min_lr, eps and mode (reduce_lr_on_plateau).",
      isWritten: { !$0.isEmpty },
      check: { value, config in value.faults(of: config.lrSchedulerType, learningRate: config.learningRate) }),
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
    Setting(
      "report_to", at: \.reportTo,
      help:
        "Reports beside metrics.jsonl and metrics.csv: tensorboard (event files in runs), mlflow (a file store in mlruns), all or none.",
      isHarmless: true,
      read: { reader, config in
        if let targets = ReportTarget.read("report_to", &reader) { config.reportTo = targets }
      },
      write: { ReportTarget.json($0.reportTo) }),
    Setting(
      "logging_dir", \.loggingDir, help: "Folder of the event files that --report-to tensorboard writes.",
      isHarmless: true, check: { value, _ in value == "" ? ["is empty; expected a path"] : [] }),
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
    Setting(
      "save_dtype", \.saveDType,
      help:
        "Floats of the saved model: float32, float16 or bfloat16; checkpoints to resume from stay float32.",
      isHarmless: true, isWritten: { $0 != .float32 }),
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
}

extension OptimizerName: SettingValue {}
extension SchedulerType: SettingValue {}
