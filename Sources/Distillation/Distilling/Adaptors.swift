import Encoders
import TaskData
import Tasks
import Tensors
import Tokenization
import Training

/// Adaptor: a function that turns a batch and a model's output into answers; TextBrewer's adaptor.
///
/// The context is the pass the output belongs to: losses must be computed in it. Its taps hold the inner values that are asked
/// for; a distiller adds them to the answers.
public typealias Adaptor = (LabeledBatch, ModelOutput, Context) throws -> Answers

/// Adaptors that fit most runs.
public enum Adaptors {
  /// For a student that classifies sequences: logits, labels, cross-entropy of the labelled sequences.
  public static func classification(
    _ batch: LabeledBatch, _ output: ModelOutput, _ context: Context
  ) -> Answers {
    supervised(features(batch, output, context), by: ClassTargets(batch.labels), batch, output, context)
  }

  /// For a teacher with one list of logits, rows of classes: these, no loss.
  public static func features(
    _ batch: LabeledBatch, _ output: ModelOutput, _ context: Context
  ) -> Answers {
    Answers(logits: [output.logits])
  }

  /// For a teacher that answers questions: start and end scores, each a distribution over the tokens of its sequence, no
  /// loss.
  public static func answers(
    _ batch: LabeledBatch, _ output: ModelOutput, _ context: Context
  ) -> Answers {
    let form = LogitsForm.positions
    return Answers(
      logits: form.parts(of: output.logits), logitsKind: form.kind(starts: batch.tokens.starts))
  }

  /// For a teacher with a configuration: its logits, as its family of tasks compares them, no loss.
  public static func teacher(of config: EncoderConfig) -> Adaptor {
    let form = config.taskFamily.form
    return { batch, output, _ in
      Answers(
        logits: form.parts(of: output.logits), logitsKind: form.kind(starts: batch.tokens.starts))
    }
  }

  /// For a student with a configuration: what fits such a teacher, and the loss of what is labelled.
  public static func student(of config: EncoderConfig) -> Adaptor {
    let family = config.taskFamily
    return student(of: config) { family.targets(of: $0) }
  }

  /// For a student whose targets come from elsewhere than the batch.
  package static func student(
    of config: EncoderConfig, targets: @escaping (LabeledBatch) -> any TaskTargets
  ) -> Adaptor {
    let read = teacher(of: config)
    return { batch, output, context in
      supervised(try read(batch, output, context), by: targets(batch), batch, output, context)
    }
  }

  /// Answers with the loss and labels of some targets.
  private static func supervised(
    _ answers: Answers, by targets: any TaskTargets, _ batch: LabeledBatch, _ output: ModelOutput,
    _ context: Context
  ) -> Answers {
    var answers = answers
    answers.losses = [targets.loss(output.logits, starts: batch.tokens.starts)]
    answers.labels = targets.classes
    return answers
  }
}
