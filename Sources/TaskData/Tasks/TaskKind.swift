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

  /// Whether this version can read, train and score the kind; the others are reserved names.
  public var isSupported: Bool { self == .classification || self == .pair }

  /// The names of the supported kinds, for messages.
  static var supportedNames: String {
    allCases.filter(\.isSupported).map(\.rawValue).joined(separator: ", ")
  }
}
