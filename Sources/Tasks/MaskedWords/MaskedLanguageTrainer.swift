public import Encoders
import Foundation
public import TaskData
public import Training

/// Trains a masked language model on running text: objective, data, evaluation and the loop in one.
///
/// Other tokens are hidden in each epoch (dynamic masking, Liu and others 2019, *RoBERTa*). What is hidden for an
/// evaluation never changes, whatever the seed of the run, so that evaluations can be compared.
///
/// ```swift
/// let trainer = MaskedLanguageTrainer(model: model, train: corpus, validation: held, masker: masker, config: config)
/// let summary = try trainer.train()
/// ```
public final class MaskedLanguageTrainer {
  /// The model, trained in place.
  public let model: TaskModel
  /// The settings of the run.
  public let config: TrainingConfig
  private let corpus: TokenizedCorpus
  private let validation: TokenizedCorpus?
  private let masker: TokenMasker
  private let objective: any TrainingObjective
  private let checkpoints: CheckpointFolder?
  private let observers: [any TrainingObserver]

  /// The seed of the masks of every evaluation.
  private static let evaluationSeed: UInt64 = 0

  /// A trainer that is ready to run.
  ///
  /// - Parameters:
  ///   - model: A model with the head of a masked language model, trained in place.
  ///   - train: What it learns.
  ///   - validation: What it is scored on.
  ///   - masker: What hides tokens; the settings' seed decides which.
  ///   - config: The settings.
  ///   - objective: What is minimised, such as a distiller's loss; nil for the cross-entropy of the hidden tokens.
  ///   - checkpoints: Where checkpoints go; without it none is written.
  ///   - observers: Told of everything, in this order.
  public init(
    model: TaskModel, train: TokenizedCorpus, validation: TokenizedCorpus? = nil, masker: TokenMasker,
    config: TrainingConfig, objective: (any TrainingObjective)? = nil, checkpoints: CheckpointFolder? = nil,
    observers: [any TrainingObserver] = []
  ) {
    precondition(
      model.head == .maskedLanguageModel,
      "Hidden tokens are the answer of a masked language model, not of \(model.head).")
    self.model = model
    corpus = train
    self.validation = validation
    self.masker = masker
    self.config = config
    self.objective = objective ?? SupervisedObjective(model)
    self.checkpoints = checkpoints
    self.observers = observers
  }

  /// Trains to the end; see `TrainingLoop.run(resumingFrom:)`.
  public func train(resumingFrom point: ResumePoint? = nil) throws -> TrainingSummary {
    var masker = masker
    masker.seed = config.dataSeed ?? config.seed
    let loop = TrainingLoop(
      config: config, objective: objective,
      data: TrainingData(corpus, masker: masker, config: config),
      evaluate: validation.map { corpus in { try self.evaluate(self.model, corpus) } },
      checkpoints: checkpoints, observers: observers)
    return try loop.run(resumingFrom: point)
  }

  /// Scores a model on the validation text, by default the one that is trained as it now is; nil without such text.
  public func evaluate(_ other: TaskModel? = nil) throws -> EvaluationResult? {
    try validation.map { try evaluate(other ?? model, $0) }
  }

  private func evaluate(_ model: TaskModel, _ corpus: TokenizedCorpus) throws -> EvaluationResult {
    var masker = masker
    masker.seed = Self.evaluationSeed
    return try evaluateMaskedLanguageModel(
      model, corpus, masker: masker, batch: .sequences(config.perDeviceEvalBatchSize))
  }
}
