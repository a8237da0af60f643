import TaskData
public import Training

/// What a classifier answered to a data set, and how good the answers are.
public struct ClassifierEvaluation: Sendable {
  /// Loss, metrics, count and time.
  public let result: EvaluationResult
  /// The logits in the order of the data set, row-major [N, labels].
  public let logits: [Float]
  /// The most likely class of each example [N].
  public let predictions: [Int32]
  /// The number of logits a row.
  public let labelCount: Int
  /// The tokens of the data set; none is padding.
  public let tokens: Int

  /// The mean cross-entropy over the labelled examples, nil when there are none.
  public var loss: Double? { result.loss }
  /// The metrics asked for, in that order; none when no example has a label.
  public var metrics: [(name: String, value: Double)] { result.metrics }
}
