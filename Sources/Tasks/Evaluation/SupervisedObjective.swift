public import Encoders
public import TaskData
public import Tensors
public import Tokenization
public import Training

/// Plain fine-tuning on what the batches are labelled with: the mean loss that `transformers` has for a head.
///
/// Cross-entropy of sequences, tokens or masked words; mean squared error of numbers; binary cross-entropy of labels side
/// by side; and for question answering the mean of the cross-entropies of start and end.
public final class SupervisedObjective: TrainingObjective {
  /// What the optimizer updates.
  public let groups: [ParameterGroup]
  private let targets: (LabeledBatch) -> any TaskTargets
  private let logits: (TokenBatch, _ rows: [Int32]?, Context) throws -> Tensor

  /// An objective for any model that gives one row of logits a sequence: the cross-entropy of its labels.
  ///
  /// - Parameters:
  ///   - groups: What the optimizer updates.
  ///   - logits: The forward pass, [sequences, labels].
  public init(groups: [ParameterGroup], logits: @escaping (TokenBatch, Context) throws -> Tensor) {
    self.groups = groups
    self.targets = { ClassTargets($0.labels) }
    self.logits = { batch, _, context in try logits(batch, context) }
  }

  /// An objective for a model with any head; biases and normalisation weights do not decay.
  public convenience init(_ model: TaskModel) {
    let family = model.config.taskFamily
    self.init(model) { family.targets(of: $0) }
  }

  /// An objective for a model whose targets come from elsewhere than the batch.
  package init(_ model: TaskModel, targets: @escaping (LabeledBatch) -> any TaskTargets) {
    groups = ParameterGroup.decayGroups(model.parameters)
    self.targets = targets
    logits = { batch, rows, context in model(batch, rows: rows, in: context).logits }
  }

  /// The number of labelled sequences, or tokens where these are what the loss is a mean over.
  public func weight(of batch: LabeledBatch) -> Double {
    Double(targets(batch).count(starts: batch.tokens.starts))
  }

  /// The mean loss of what is labelled.
  public func loss(_ batch: LabeledBatch, progress: Double, in context: Context) throws -> StepLoss {
    let targets = targets(batch)
    let logits = try logits(batch.tokens, targets.rows, context)
    return StepLoss(targets.loss(logits, starts: batch.tokens.starts))
  }
}
