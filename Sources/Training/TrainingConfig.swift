import Foundation
import ModelFormats

/// The settings of a run, named and defaulted as `transformers.TrainingArguments`.
///
/// Differences from Trainer, each on purpose: `per_device_train_batch_size` may be replaced by a token budget
/// (`tokens_per_batch`); checkpoints stay bounded (`save_total_limit` 2 rather than unlimited); the mean of an
/// accumulated step is over its examples (see `TrainingLoop`).
public struct TrainingConfig: Sendable, Equatable {
  /// The learning rate at factor 1 of the schedule.
  public var learningRate = 5e-5
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
  /// The shape of the learning rate.
  public var lrSchedulerType = SchedulerType.linear
  /// The schedule's own settings: `lr_end` and `power` (polynomial), `num_cycles` (cosine).
  public var lrSchedulerKwargs: [String: Double] = [:]
  /// The share of the run that warms up; used when `warmupSteps` is 0.
  public var warmupRatio = 0.0
  /// The updates that warm up.
  public var warmupSteps = 0
  /// Updates between two log lines.
  public var loggingSteps = 500
  /// Whether the first update is logged too.
  public var loggingFirstStep = false
  /// When the model is evaluated.
  public var evalStrategy = TrainingStrategy.never
  /// Updates between two evaluations; nil takes `loggingSteps`.
  public var evalSteps: Int?
  /// When a checkpoint is written.
  public var saveStrategy = TrainingStrategy.steps
  /// Updates between two checkpoints.
  public var saveSteps = 500
  /// The checkpoints kept, beside the best one; nil keeps all.
  public var saveTotalLimit: Int? = 2
  /// Whether the run ends with the weights of its best evaluation.
  public var loadBestModelAtEnd = false
  /// What the best evaluation is judged by, with or without `eval_`; nil means the loss.
  public var metricForBestModel: String?
  /// Whether more is better; nil means yes, unless the metric is a loss, a perplexity or an error (`mse`, `mae`).
  public var greaterIsBetter: Bool?
  /// The evaluations in a row without gain after which the run stops, by the metric of the best model; nil never stops.
  public var earlyStoppingPatience: Int?
  /// What counts as a gain: more than this beyond the best value so far, as in `EarlyStoppingCallback`.
  public var earlyStoppingThreshold = 0.0
  /// The seed of everything random: batch order, dropout, fresh parameters.
  public var seed: UInt64 = 42
  /// The seed of the batch order alone; nil takes `seed`.
  public var dataSeed: UInt64?

  /// The default settings.
  public init() {}

  /// The update rule with its constants.
  public var optimizer: OptimizerConfig { optim.config(optimizerConstants) }

  /// The constants of the update rule.
  var optimizerConstants: OptimizerConstants {
    var constants = OptimizerConstants()
    (constants.beta1, constants.beta2, constants.epsilon) = (adamBeta1, adamBeta2, adamEpsilon)
    (constants.momentum, constants.nesterov) = (sgdMomentum, sgdNesterov)
    constants.arguments = optimArgs.flatMap(OptimizerConstants.arguments) ?? JSONObject()
    return constants
  }

  /// The warm-up of a run of `totalSteps` updates: `warmup_steps`, or else the ratio rounded up.
  public func resolvedWarmupSteps(totalSteps: Int) -> Int {
    warmupSteps > 0 ? warmupSteps : Int((Double(totalSteps) * warmupRatio).rounded(.up))
  }

  /// The schedule of a run of `totalSteps` updates.
  public func schedule(totalSteps: Int) -> LearningRateSchedule {
    LearningRateSchedule(
      lrSchedulerType, totalSteps: totalSteps, warmupSteps: resolvedWarmupSteps(totalSteps: totalSteps),
      endFactor: (lrSchedulerKwargs["lr_end"] ?? 1e-7) / learningRate,
      power: lrSchedulerKwargs["power"] ?? 1, cycles: lrSchedulerKwargs["num_cycles"] ?? 0.5)
  }

  /// The metric that chooses the best model, with its `eval_` prefix.
  public var bestMetricName: String {
    let name = metricForBestModel ?? "loss"
    return name.hasPrefix("eval_") ? name : "eval_" + name
  }

  /// Whether more of the chosen metric is better.
  public var moreIsBetter: Bool {
    greaterIsBetter ?? !["loss", "perplexity", "mse", "mae"].contains { bestMetricName.hasSuffix($0) }
  }
}
