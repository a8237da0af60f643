/// What a row of logits means, and so over what the KD loss compares teacher and student.
public enum LogitsKind: Sendable, Equatable {
  /// Each row is a distribution over classes, [rows, classes].
  case classes
  /// The scores of each sequence's tokens are a distribution over its positions, [tokens], as those of an answer's start.
  ///
  /// `starts` says where each sequence begins, and the number of tokens, [B + 1].
  case positions(starts: [Int32])
  /// Each number is the logit of a label that holds or does not, whatever the others, [rows, labels].
  case independentLabels
  /// Each number is an answer of its own, [rows, outputs].
  case values
}
