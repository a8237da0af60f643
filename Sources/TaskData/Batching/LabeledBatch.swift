public import Tokenization

/// A packed batch with the label and the place in the data set of each of its sequences.
public struct LabeledBatch: Sendable, Equatable {
  /// The packed tokens of B sequences.
  public let tokens: TokenBatch
  /// The label of each sequence [B]; `EncodedExample.noLabel` (-100) where there is none.
  public let labels: [Int32]
  /// The position of each sequence in the data set [B].
  public let indices: [Int]

  /// A batch of parts that belong together.
  public init(tokens: TokenBatch, labels: [Int32], indices: [Int]) {
    precondition(
      tokens.count == labels.count && labels.count == indices.count,
      "A batch needs a label and an index for each sequence, but has \(tokens.count) sequences, "
        + "\(labels.count) labels and \(indices.count) indices.")
    self.tokens = tokens
    self.labels = labels
    self.indices = indices
  }

  /// Packs the examples at the given positions of a data set, in that order.
  public init(_ examples: [EncodedExample], at indices: [Int]) {
    self.init(
      tokens: TokenBatch(sequences: indices.map { (examples[$0].ids, examples[$0].segments) }),
      labels: indices.map { examples[$0].label }, indices: indices)
  }

  /// The number of sequences, B.
  public var count: Int { indices.count }
}
