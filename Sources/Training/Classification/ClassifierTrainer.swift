public import Encoders
public import Foundation
public import TaskData
import Tensors

/// Fine-tunes a model on hard labels: objective, data, evaluation and the loop in one.
///
/// ```swift
/// let trainer = ClassifierTrainer(model: model, train: train, validation: validation, config: config)
/// let summary = try trainer.train()
/// let evaluation = try trainer.evaluate()
/// ```
public final class ClassifierTrainer {
  /// The model, trained in place.
  public let model: TaskModel
  /// The settings of the run.
  public let config: TrainingConfig
  private let training: [EncodedExample]
  private let validation: [EncodedExample]
  private let metrics: [String]
  private let score: (() throws -> EvaluationResult)?
  private let checkpoints: CheckpointFolder?
  private let observers: [any TrainingObserver]

  /// A trainer that is ready to run.
  ///
  /// - Parameters:
  ///   - model: The model, trained in place.
  ///   - train: What it learns; examples without a label are skipped.
  ///   - validation: What a classifier of sequences is scored on.
  ///   - metrics: The names of the metrics; the first one is shown in short messages.
  ///   - score: What scores a model of another kind when it is due, instead of `validation`.
  ///   - config: The settings.
  ///   - checkpoints: Where checkpoints go; without it none is written.
  ///   - observers: Told of everything, in this order.
  public init(
    model: TaskModel, train: [EncodedExample], validation: [EncodedExample] = [],
    metrics: [String] = ["accuracy"], score: (() throws -> EvaluationResult)? = nil,
    config: TrainingConfig, checkpoints: CheckpointFolder? = nil,
    observers: [any TrainingObserver] = []
  ) {
    self.model = model
    let readsLabels = !model.head.readsTokens && model.config.problem == .singleLabel
    self.training = readsLabels ? train.filter { $0.label != EncodedExample.noLabel } : train
    self.validation = validation
    self.metrics = metrics
    self.score = score
    self.config = config
    self.checkpoints = checkpoints
    self.observers = observers
  }

  /// Trains to the end; see `TrainingLoop.run(resumingFrom:)`.
  public func train(resumingFrom checkpoint: URL? = nil) throws -> TrainingSummary {
    let loop = TrainingLoop(
      config: config, objective: SupervisedObjective(model), data: TrainingData(training, config: config),
      evaluate: score ?? (validation.isEmpty ? nil : { try self.evaluate().result }),
      checkpoints: checkpoints, observers: observers)
    return try loop.run(resumingFrom: checkpoint)
  }

  /// Scores the classifier as it now is on the validation examples.
  public func evaluate() throws -> ClassifierEvaluation {
    try evaluateClassifier(model, validation, metrics: metrics)
  }
}
