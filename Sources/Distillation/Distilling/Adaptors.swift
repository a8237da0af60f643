import Encoders
import TaskData
import Tensors

/// Turns a batch and a model's output into what a distiller uses; TextBrewer's adaptor.
///
/// The context is the pass the output belongs to: losses must be computed in it.
public typealias Adaptor = (LabeledBatch, ModelOutput, Context) throws -> AdaptorResult

/// The adaptors that fit most runs.
public enum Adaptors {
  /// For a student that classifies sequences: logits, labels, cross-entropy of the labelled sequences, captured features.
  public static func classification(
    _ batch: LabeledBatch, _ output: ModelOutput, _ context: Context
  ) -> AdaptorResult {
    var result = features(batch, output, context)
    result.losses = [softmaxCrossEntropy(output.logits, labels: batch.labels, in: context)]
    result.labels = [batch.labels]
    return result
  }

  /// For a teacher that classifies sequences: logits and captured features, no loss.
  public static func features(
    _ batch: LabeledBatch, _ output: ModelOutput, _ context: Context
  ) -> AdaptorResult {
    AdaptorResult(
      logits: [output.logits], hidden: output.hiddenStates, attention: output.encoder.attentionScores)
  }
}
