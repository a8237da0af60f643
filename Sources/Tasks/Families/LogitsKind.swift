import Datasets
package import Tensors

/// Kind of logits: what a row of them means, and so over what the KD loss compares teacher and student.
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

/// Form of a family's logits: what a row of them means, wherever the sequences begin.
package enum LogitsForm: Sendable {
  /// A distribution over classes.
  case classes
  /// Two columns, of starts and of ends, each a distribution over the positions of its sequence.
  case positions
  /// A logit for each label that holds or does not.
  case independentLabels
  /// Numbers.
  case values

  /// Whether a row, or a sequence, has one right class.
  package var hasClasses: Bool {
    switch self {
    case .classes, .positions: true
    case .independentLabels, .values: false
    }
  }

  /// A head's output in the parts that are compared one by one.
  package func parts(of output: Tensor) -> [Tensor] {
    switch self {
    case .classes, .independentLabels, .values: [output]
    case .positions: [output.column(0), output.column(1)]
    }
  }

  /// Meaning of those parts.
  package func kind(starts: [Int32]) -> LogitsKind {
    switch self {
    case .classes: .classes
    case .positions: .positions(starts: starts)
    case .independentLabels: .independentLabels
    case .values: .values
    }
  }
}

/// Rows of a family's answers: what a head gives one of each.
package enum AnswerRows: Sendable {
  /// Sequences.
  case sequences
  /// Tokens.
  case tokens
  /// Tokens that are asked for.
  case asked
}
