public import Encoders
public import TaskData
public import Tensors
public import Tokenization

/// Plain fine-tuning on hard labels: the mean cross-entropy over the batch's labelled sequences.
public final class SupervisedObjective: TrainingObjective {
  /// What the optimizer updates.
  public let groups: [ParameterGroup]
  private let logits: (TokenBatch, Context) throws -> Tensor

  /// An objective for any model that gives one row of logits a sequence.
  ///
  /// - Parameters:
  ///   - groups: What the optimizer updates.
  ///   - logits: The forward pass, [sequences, labels].
  public init(groups: [ParameterGroup], logits: @escaping (TokenBatch, Context) throws -> Tensor) {
    self.groups = groups
    self.logits = logits
  }

  /// An objective for a classifier; biases and normalisation weights do not decay.
  public convenience init(_ model: TaskModel) {
    self.init(groups: ParameterGroup.decayGroups(model.parameters)) { model($0, in: $1).logits }
  }

  /// The number of labelled sequences, since the loss is a mean over those.
  public func weight(of batch: LabeledBatch) -> Double {
    Double(batch.labels.count { $0 != EncodedExample.noLabel })
  }

  /// The mean cross-entropy of the labelled sequences.
  public func loss(_ batch: LabeledBatch, progress: Double, in context: Context) throws -> StepLoss {
    let logits = try logits(batch.tokens, context)
    return StepLoss(
      softmaxCrossEntropy(logits, labels: batch.labels, ignoreIndex: EncodedExample.noLabel, in: context))
  }
}
