public import Encoders
import Foundation
public import TaskData
import Tensors
public import Training

/// Fine-tunes a model on what its examples are labelled with: objective, data, evaluation and the loop in one.
///
/// ```swift
/// let data = try EncodedTask(rows, task: task, with: tokenizer, maxLength: 128)
/// let trainer = TaskTrainer(model: model, train: data.examples, validation: validation, config: config)
/// let summary = try trainer.train()
/// let evaluation = try trainer.evaluate()
/// ```
public final class TaskTrainer {
  /// The model, trained in place.
  public let model: TaskModel
  /// The settings of the run.
  public let config: TrainingConfig
  private let training: [EncodedExample]
  private let validation: EncodedTask?
  private let checkpoints: CheckpointFolder?
  private let observers: [any TrainingObserver]

  /// A trainer that is ready to run.
  ///
  /// - Parameters:
  ///   - model: The model, trained in place.
  ///   - train: What it learns; examples without a target are skipped.
  ///   - validation: What it is scored on, by the metrics of its task; nil never scores.
  ///   - config: The settings.
  ///   - checkpoints: Where checkpoints go; without it none is written.
  ///   - observers: Told of everything, in this order.
  public init(
    model: TaskModel, train: [EncodedExample], validation: EncodedTask? = nil, config: TrainingConfig,
    checkpoints: CheckpointFolder? = nil, observers: [any TrainingObserver] = []
  ) {
    self.model = model
    self.training = train.filter { $0.target != .none }
    self.validation = validation
    self.config = config
    self.checkpoints = checkpoints
    self.observers = observers
  }

  /// Trains to the end; see `TrainingLoop.run(resumingFrom:)`.
  public func train(resumingFrom point: ResumePoint? = nil) throws -> TrainingSummary {
    let loop = TrainingLoop(
      config: config, objective: SupervisedObjective(model), data: TrainingData(training, config: config),
      evaluate: validation.map { data in { try evaluateTask(self.model, data).result } },
      checkpoints: checkpoints, observers: observers)
    return try loop.run(resumingFrom: point)
  }

  /// Answers and scores the validation rows with the model as it now is; nil without such rows.
  public func evaluate() throws -> TaskEvaluation? {
    try validation.map { try evaluateTask(model, $0) }
  }
}
