import Encoders
import Tasks
import Tensors

/// What a distiller uses of a model's output; each field is optional in the sense that it may stay empty.
public struct AdaptorResult {
  /// Logits for the KD loss, each [rows, classes] or as `logitsKind` says; those of teacher and student are compared one
  /// by one.
  public var logits: [Tensor]
  /// What the logits mean; the student's counts.
  public var logitsKind: LogitsKind
  /// The rows of the logits that count, one list for all logits or one for each; nil counts every row.
  public var logitRows: [[Int32]]?
  /// Labels for `probability_shift`, one per counted row (of positions: per sequence) of each of the student's logits;
  /// negative: none.
  public var labels: [[Int32]]
  /// Losses of the student, each a scalar; their sum is weighted by `hard_label_weight`.
  public var losses: [Tensor]
  /// Hidden states, each [tokens, hidden]: the embeddings, then each block.
  public var hidden: [Tensor]
  /// Attention scores (before the softmax) of each block.
  public var attention: [AttentionMaps]
  /// Values by their modules' names; a distiller adds those that were asked for.
  public var intermediates: [String: Tensor] = [:]
  /// The logits of further teachers, of which `logits` are the first one's.
  var ensemble: TeacherEnsemble?
  /// Queries, keys and values of the blocks that were captured, by block from 0.
  public var selfAttention: [Int: SelfAttentionVectors]
  /// The tokens whose hidden states are matched; nil matches all.
  public var rows: [Int32]?

  /// A result; leave out what the configuration does not use.
  public init(
    logits: [Tensor] = [], logitsKind: LogitsKind = .classes, logitRows: [[Int32]]? = nil,
    labels: [[Int32]] = [], losses: [Tensor] = [],
    hidden: [Tensor] = [], attention: [AttentionMaps] = [],
    selfAttention: [Int: SelfAttentionVectors] = [:], rows: [Int32]? = nil
  ) {
    self.logits = logits
    self.logitsKind = logitsKind
    self.logitRows = logitRows
    self.labels = labels
    self.losses = losses
    self.hidden = hidden
    self.attention = attention
    self.selfAttention = selfAttention
    self.rows = rows
  }
}
