import Encoders
import TaskData
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
    supervised(features(batch, output, context), by: .labels(batch.labels), batch, output, context)
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
    result.logits = [output.logits.column(0), output.logits.column(1)]
    result.logitsKind = .positions(starts: batch.tokens.starts)
    return result
  }

  /// What fits a teacher with a configuration: its logits, as its head means them, and captured features, no loss.
  ///
  /// - `sequenceClassification`: classes, numbers (`regression`) or labels side by side (`multi_label_classification`).
  /// - `tokenClassification`: classes of every token, special ones included, as in TextBrewer's CoNLL example.
  /// - `questionAnswering`: start and end scores over the tokens of each sequence.
  /// - `maskedLanguageModel`: words in the places of the masked tokens.
  public static func teacher(of config: EncoderConfig) -> Adaptor {
    guard config.head != .questionAnswering else { return answers }
    let kind: LogitsKind =
      switch (config.head, config.problem) {
      case (.sequenceClassification, .regression): .values
      case (.sequenceClassification, .multiLabel): .independentLabels
      default: .classes
      }
    return { batch, output, context in
      var result = features(batch, output, context)
      result.logitsKind = kind
      return result
    }
  }

  /// What fits a student with a configuration: what fits such a teacher, and the loss of what is labelled.
  public static func student(of config: EncoderConfig) -> Adaptor {
    student(of: config) { TaskTargets($0, for: config) }
  }

  /// What fits a student whose targets come from elsewhere than the batch.
  package static func student(
    of config: EncoderConfig, targets: @escaping (LabeledBatch) -> TaskTargets
  ) -> Adaptor {
    let read = teacher(of: config)
    return { batch, output, context in
      supervised(try read(batch, output, context), by: targets(batch), batch, output, context)
    }
  }

  /// A result with the loss and labels of some targets.
  private static func supervised(
    _ result: AdaptorResult, by targets: TaskTargets, _ batch: LabeledBatch, _ output: ModelOutput,
    _ context: Context
  ) -> AdaptorResult {
    var result = result
    result.losses = [targets.loss(output.logits, starts: batch.tokens.starts, in: context)]
    switch targets {
    case .labels(let labels), .tags(let labels), .words(_, let labels): result.labels = [labels]
    case .spans(let starts, let ends): result.labels = [starts, ends]
    case .values, .labelMatrix: break
    }
    return result
  }
}
