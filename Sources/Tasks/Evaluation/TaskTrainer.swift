import Cluster
public import Datasets
public import Encoders
import Foundation
public import Tensors
public import Tokenization
public import Training

/// Trainer of a model on the labels of its examples: objective, data, evaluation and the loop in one.
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
    try model.prepare(as: config)
    let loss = try HardLabelLoss(config, of: model, examples: training)
    let loop = TrainingLoop(
      config: config, objective: SupervisedObjective(model, loss: loss),
      data: TrainingData(training, config: config),
      evaluate: validation.map { data in { try evaluateTask(self.model, data, over: Ranks.process).result } },
      checkpoints: checkpoints, observers: observers)
    return try loop.run(resumingFrom: point)
  }

  /// Answers and scores the validation rows with the model as it now is; nil without such rows.
  public func evaluate() throws -> TaskEvaluation? {
    try validation.map { try evaluateTask(model, $0) }
  }
}

/// Objective of plain fine-tuning on labels: the mean loss that `transformers` has for a head.
///
/// Cross-entropy of sequences, tokens or masked words; mean squared error of numbers; binary cross-entropy of labels side
/// by side; and for question answering the mean of the cross-entropies of start and end. Smoothing and weights of classes
/// come in by `HardLabelLoss`.
public final class SupervisedObjective: TrainingObjective {
  /// Parameters that the optimizer updates; those that are frozen are left out.
  public var groups: [ParameterGroup] { makeGroups() }
  /// Way in which labels are learnt.
  public let loss: HardLabelLoss
  private let makeGroups: () -> [ParameterGroup]
  private let targets: (Batch) -> any TaskTargets
  private let logits: (TokenBatch, _ rows: [Int32]?, Context) throws -> Tensor
  /// The classes of a guess that knows nothing; nil where the rows' own targets tell.
  private var guessedClasses: Int?

  /// An objective for any model that gives one row of logits a sequence: the cross-entropy of its labels.
  ///
  /// - Parameters:
  ///   - groups: What the optimizer updates.
  ///   - logits: The forward pass, [sequences, labels].
  public init(groups: [ParameterGroup], logits: @escaping (TokenBatch, Context) throws -> Tensor) {
    makeGroups = { groups }
    loss = .plain
    self.targets = { ClassTargets($0.labels) }
    self.logits = { batch, _, context in try logits(batch, context) }
  }

  /// An objective for a model with any head; biases and normalisation weights do not decay.
  public convenience init(_ model: TaskModel, loss: HardLabelLoss = .plain) {
    let family = model.config.taskFamily
    self.init(model, loss: loss) { family.targets(of: $0) }
  }

  /// An objective for a model whose targets come from elsewhere than the batch.
  package init(
    _ model: TaskModel, loss: HardLabelLoss = .plain, targets: @escaping (Batch) -> any TaskTargets
  ) {
    makeGroups = { ParameterGroup.decayGroups(model.parameters.filter(\.isTrainable)) }
    self.loss = loss
    self.targets = targets
    logits = { batch, rows, context in model(batch, rows: rows, in: context).logits }
    if model.head == .maskedLanguageModel { guessedClasses = model.config.vocabularySize }
  }

  /// The number of labelled sequences, or tokens where these are what the loss is a mean over; with weights their sum.
  public func weight(of batch: Batch) -> Double {
    targets(batch).weight(starts: batch.tokens.starts, by: loss)
  }

  /// The whole loss, unless labels are smoothed or weighed; of masked words a guess takes all of the vocabulary for as likely.
  public func chance(of batch: Batch) -> ChancePart? {
    loss == .plain ? ChancePart(level: guessedClasses.map { log(Double($0)) }) : nil
  }

  /// The mean loss of what is labelled.
  public func loss(_ batch: Batch, progress: Double, in context: Context) throws -> StepLoss {
    let targets = targets(batch)
    let logits = try logits(batch.tokens, targets.rows, context)
    return StepLoss(targets.loss(logits, starts: batch.tokens.starts, by: loss))
  }
}
