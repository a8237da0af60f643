public import ModelFormats
public import Training

/// A first stage in which only the layers are matched, before the student learns predictions: TinyBERT's two stages.
///
/// Stage one minimises Σ weight · match, and no gradient reaches the student's head; stage two minimises
/// kd_loss_weight · KD + hard_label_weight · labels, and no layer is matched. Each is a run of its own with its own
/// learning rate, schedule and optimizer, the second from where the first ended (Jiao and others 2020, *TinyBERT:
/// Distilling BERT for Natural Language Understanding*, section 3: intermediate layer distillation, then prediction layer
/// distillation). Apart, the predictions do not pull at layers that are not ready for them.
public struct FeatureStage: Sendable, Equatable {
  /// The passes over the data of stage one, possibly fractional; TinyBERT takes 10 to 30.
  public var numTrainEpochs: Double
  /// The learning rate of stage one at factor 1 of its schedule.
  public var learningRate: Double
  /// The shape of stage one's learning rate; nil takes the run's.
  public var lrSchedulerType: SchedulerType?
  /// The share of stage one that warms up; nil takes the run's.
  public var warmupRatio: Double?
  /// Whether stage two runs the teacher once over the data and keeps its logits, which stage one cannot.
  public var cachesTeacherLogits: Bool

  /// A stage with TinyBERT's epochs and rate.
  public init(
    numTrainEpochs: Double = 10, learningRate: Double = 5e-5, lrSchedulerType: SchedulerType? = nil,
    warmupRatio: Double? = nil, cachesTeacherLogits: Bool = true
  ) {
    self.numTrainEpochs = numTrainEpochs
    self.learningRate = learningRate
    self.lrSchedulerType = lrSchedulerType
    self.warmupRatio = warmupRatio
    self.cachesTeacherLogits = cachesTeacherLogits
  }

  /// The stage under the names of the options of `potstill distill`; null where the run's own setting counts.
  public var json: JSONValue {
    [
      "feature_epochs": .double(numTrainEpochs), "feature_learning_rate": .double(learningRate),
      "feature_lr_scheduler_type": lrSchedulerType.map { .string($0.rawValue) } ?? .null,
      "feature_warmup_ratio": warmupRatio.map { .double($0) } ?? .null,
      "cache_teacher_logits": .bool(cachesTeacherLogits),
    ]
  }

  /// Configuration of stage one: the matches of a configuration and nothing else.
  public func features(of config: DistillationConfig) -> DistillationConfig {
    var features = config
    (features.kdLossWeight, features.hardLabelWeight) = (0, 0)
    (features.probabilityShift, features.cacheTeacherLogits) = (false, false)
    return features
  }

  /// Configuration of stage two: everything but the matches of a configuration.
  public func predictions(of config: DistillationConfig) -> DistillationConfig {
    var predictions = config
    predictions.matches = []
    predictions.cacheTeacherLogits = cachesTeacherLogits && config.usesTeacherLogits
    return predictions
  }

  /// The settings of stage one, which is not scored, since the student's head has not learnt anything yet.
  public func training(_ base: TrainingConfig) -> TrainingConfig {
    var config = base
    config.numTrainEpochs = numTrainEpochs
    (config.maxSteps, config.warmupSteps) = (-1, 0)
    config.learningRate = learningRate
    config.lrSchedulerType = lrSchedulerType ?? base.lrSchedulerType
    config.warmupRatio = warmupRatio ?? base.warmupRatio
    config.evalStrategy = .never
    config.loadBestModelAtEnd = false
    config.earlyStoppingPatience = nil
    if config.lrSchedulerType != base.lrSchedulerType { config.lrSchedulerKwargs = SchedulerArguments() }
    return config
  }

  /// Faults that keep a configuration from being split into two stages, or the stage from being trained.
  public func faults(with config: DistillationConfig, training base: TrainingConfig) -> [Fault] {
    var faults: [Fault] = []
    if config.matches.isEmpty {
      faults.append(
        Fault(
          "feature_epochs",
          "a stage of features needs layers to compare; give matches, such as uniform and uniform:attention_mse"
        ))
    }
    if !config.usesTeacherLogits && !config.usesLosses {
      faults.append(
        Fault(
          "feature_epochs",
          "the second stage has nothing to learn; give kd_loss_weight or hard_label_weight a positive value"))
    }
    let names = [
      "num_train_epochs": "feature_epochs", "learning_rate": "feature_learning_rate",
      "warmup_ratio": "feature_warmup_ratio",
    ]
    let own = training(base)
    if own.lrSchedulerType == .reduceLROnPlateau {
      faults.append(
        Fault(
          "feature_lr_scheduler_type",
          "is \(own.lrSchedulerType.rawValue), but no evaluation of the first stage could lower the rate; choose another, such "
            + "as linear"))
    }
    let known = Set(base.faults().map(\.description))
    for fault in own.faults() where fault.field != "lr_scheduler_type" && !known.contains(fault.description) {
      faults.append(Fault(names[fault.field] ?? fault.field, fault.message))
    }
    return faults
  }
}
