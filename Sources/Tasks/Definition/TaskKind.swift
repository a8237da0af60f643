public import Encoders
import TaskData

/// What a task asks of a model; the recipe's `kind`.
public enum TaskKind: String, Codable, Sendable, CaseIterable {
  /// One label for one text, or for a pair of texts when `text_pair_column` is given.
  case classification
  /// One label for two texts; like `classification`, and `text_pair_column` is required.
  case pair
  /// One number for a text or a pair (STS-B).
  case regression
  /// Any number of labels for a text.
  case multiLabel = "multi_label"
  /// One label for each word (named entities).
  case tokenClassification = "token_classification"
  /// A span of a passage that answers a question (SQuAD, CMRC 2018).
  case questionAnswering = "question_answering"
  /// Masked-token prediction on plain text.
  case maskedLanguageModel = "masked_lm"

  /// The names of the metrics that score the kind, as the official scripts spell them; the first is the usual one.
  public var knownMetrics: [String] { family.metrics }

  /// Whether a task of the kind names its labels (entity types for token classification).
  public var hasLabels: Bool { family.hasLabels }

  /// The head that answers a task of the kind.
  public var head: TaskHead { family.head }

  /// What the outputs of its head mean; nil where the head says so already.
  public var problemType: ProblemType? { family.problemType }

  /// Whether its rows are texts with columns, rather than sentences, passages or running text.
  package var hasTextRows: Bool { family is any TextFamily }
}
