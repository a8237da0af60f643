import TaskData

/// The batches in which a teacher answers examples whose answers are kept in memory: always those of the first epoch.
///
/// The last bits of an answer depend on the texts beside it. A run that goes on from a checkpoint begins with empty memory in
/// another epoch; asking there in the same company as the uninterrupted run did gives the same bits.
final class AnswerOrder {
  private let makeBatches: () -> [[Int]]
  private let makeBatch: ([Int]) -> LabeledBatch
  private var batches: [[Int]] = []
  /// The batch of each example; -1 where none has it.
  private var places: [Int] = []

  /// The order of a run.
  ///
  /// - Parameters:
  ///   - batches: The batches of the first epoch, as positions in the data set.
  ///   - batch: Packs the examples at some positions as the teacher reads them.
  init(batches: @escaping () -> [[Int]], batch: @escaping ([Int]) -> LabeledBatch) {
    (makeBatches, makeBatch) = (batches, batch)
  }

  /// The batch in which the example at a position is answered; nil when no batch has it.
  func company(of index: Int) -> LabeledBatch? {
    if batches.isEmpty {
      batches = makeBatches()
      places = Array(repeating: -1, count: (batches.joined().max() ?? -1) + 1)
      for (place, batch) in batches.enumerated() { for index in batch { places[index] = place } }
    }
    guard places.indices.contains(index), places[index] >= 0 else { return nil }
    return makeBatch(batches[places[index]])
  }
}
