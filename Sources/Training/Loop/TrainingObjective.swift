public import Datasets
public import Tensors

/// Objective of a training loop: a loss of a batch, and the parameters it depends on.
public protocol TrainingObjective: AnyObject {
  /// Parameters that the optimizer updates.
  var groups: [ParameterGroup] { get }

  /// State that the objective itself changes from batch to batch and a checkpoint must keep; by default none.
  var state: [Parameter] { get }

  /// Weight of a micro-batch in the mean of an accumulated step; by default its number of sequences.
  ///
  /// A loss that is a mean over something else (labelled sequences, tokens) answers with the number of those; a
  /// micro-batch of weight 0 is skipped.
  func weight(of batch: Batch) -> Double

  /// Begins: updates follow; by default nothing is done.
  ///
  /// Not called where a run goes on from its end. What updates alone need, such as a teacher's answers to all rows, is made here.
  ///
  /// - Throws: What keeps the updates from being made.
  func begin() throws

  /// The micro-batches of the update that comes, before the loss of the first of them is asked for; by default nothing is
  /// done.
  ///
  /// A loss with parts that are means over different things needs to know how many there are of each in the whole update.
  ///
  /// - Parameter batches: The micro-batches in order.
  /// - Throws: What keeps them from being one update.
  func prepare(for batches: [Batch]) throws

  /// The mean loss of a micro-batch, computed on the context's tape.
  ///
  /// - Parameters:
  ///   - batch: The packed sequences with labels and positions.
  ///   - progress: The share of the run's updates that are done, 0 up to but not including 1.
  ///   - context: Tape, training flag and random source of this micro-batch.
  func loss(_ batch: Batch, progress: Double, in context: Context) throws -> StepLoss

  /// Part of the loss of a batch that can be compared with that of a guess, so that a run which learns nothing is told so; nil (the
  /// default) where there is none.
  func chance(of batch: Batch) -> ChancePart?
}

extension TrainingObjective {
  /// No state.
  public var state: [Parameter] { [] }

  /// Does nothing.
  public func begin() throws {}

  /// Does nothing.
  public func prepare(for batches: [Batch]) throws {}

  /// None.
  public func chance(of batch: Batch) -> ChancePart? { nil }

  /// The number of sequences.
  public func weight(of batch: Batch) -> Double { Double(batch.count) }
}

/// The loss of one micro-batch with the parts it is made of.
public struct StepLoss {
  /// Total that is minimised, a scalar on the tape.
  public let total: Tensor
  /// Named parts for the log, each a mean over the micro-batch, not yet weighted.
  public let parts: [(name: String, value: Float)]

  /// A loss; list no parts when there is only one.
  public init(_ total: Tensor, parts: [(name: String, value: Float)] = []) {
    precondition(total.count == 1, "A loss must have one element, found shape \(total.shape).")
    self.total = total
    self.parts = parts
  }

  /// This loss with weight · loss added to the total, and the loss itself to the parts.
  ///
  /// - Parameters:
  ///   - loss: A scalar on the tape of the total.
  ///   - weight: Its factor in the total.
  ///   - name: What the log calls it.
  public func adding(_ loss: Tensor, weight: Double, name: String) -> StepLoss {
    return StepLoss(total + Float(weight) * loss, parts: parts + [(name, loss.item)])
  }
}
