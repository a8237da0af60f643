import Encoders
import TaskData
import Tasks
import Tensors
import Tokenization
import Training

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
    supervised(features(batch, output, context), by: ClassTargets(batch.labels), batch, output, context)
  }

  /// For a teacher with one list of logits, rows of classes: these and captured features, no loss.
  public static func features(
    _ batch: LabeledBatch, _ output: ModelOutput, _ context: Context
  ) -> AdaptorResult {
    AdaptorResult(
      logits: [output.logits], hidden: output.hiddenStates, attention: output.encoder.attentionScores,
      selfAttention: output.encoder.selfAttention)
  }

  /// For a teacher that answers questions: start and end scores, each a distribution over the tokens of its sequence, and
  /// captured features, no loss.
  public static func answers(
    _ batch: LabeledBatch, _ output: ModelOutput, _ context: Context
  ) -> AdaptorResult {
    var result = features(batch, output, context)
    let (form, starts) = (LogitsForm.positions, batch.tokens.starts)
    result.logits = form.parts(of: output.logits)
    result.logitsKind = form.kind(starts: starts)
    return result
  }

  /// What fits a teacher with a configuration: its logits, as its family of tasks compares them, and captured features, no
  /// loss.
  public static func teacher(of config: EncoderConfig) -> Adaptor {
    let form = config.taskFamily.form
    return { batch, output, context in
      var result = features(batch, output, context)
      result.logits = form.parts(of: output.logits)
      result.logitsKind = form.kind(starts: batch.tokens.starts)
      return result
    }
  }

  /// What fits a student with a configuration: what fits such a teacher, and the loss of what is labelled.
  public static func student(of config: EncoderConfig) -> Adaptor {
    let family = config.taskFamily
    return student(of: config) { family.targets(of: $0) }
  }

  /// What fits a student whose targets come from elsewhere than the batch.
  package static func student(
    of config: EncoderConfig, targets: @escaping (LabeledBatch) -> any TaskTargets
  ) -> Adaptor {
    let read = teacher(of: config)
    return { batch, output, context in
      supervised(try read(batch, output, context), by: targets(batch), batch, output, context)
    }
  }

  /// A result with the loss and labels of some targets.
  private static func supervised(
    _ result: AdaptorResult, by targets: any TaskTargets, _ batch: LabeledBatch, _ output: ModelOutput,
    _ context: Context
  ) -> AdaptorResult {
    var result = result
    result.losses = [targets.loss(output.logits, starts: batch.tokens.starts)]
    result.labels = targets.classes
    return result
  }
}
