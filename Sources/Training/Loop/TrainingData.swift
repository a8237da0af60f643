public import TaskData

/// The batches of a run: which examples come together in which epoch, and how they become a batch.
///
/// Both closures must be pure functions of their arguments: a resumed run asks again for the same epoch.
public struct TrainingData {
  /// The number of examples in an epoch.
  public let exampleCount: Int
  /// The micro-batches of an epoch (counted from 0), as positions in the data set.
  public let batches: (_ epoch: Int) -> [[Int]]
  /// The number of micro-batches of an epoch, without making them.
  public let batchCount: (_ epoch: Int) -> Int
  /// Packs the examples at some positions.
  public let batch: (_ indices: [Int]) -> LabeledBatch

  /// Data with an order and a packing of its own; `batchCount` may be given where it is cheaper than `batches`.
  public init(
    exampleCount: Int, batches: @escaping (_ epoch: Int) -> [[Int]],
    batchCount: ((_ epoch: Int) -> Int)? = nil,
    batch: @escaping (_ indices: [Int]) -> LabeledBatch
  ) {
    self.exampleCount = exampleCount
    self.batches = batches
    self.batchCount = batchCount ?? { batches($0).count }
    self.batch = batch
  }

  /// Encoded examples in the seeded random order, batch size and length grouping of the settings.
  ///
  /// Batches of a token budget are always grouped by length, without which they could not be filled evenly.
  public init(_ examples: [EncodedExample], config: TrainingConfig) {
    let size: BatchSize =
      config.tokensPerBatch.map { .tokens($0) } ?? .sequences(config.perDeviceTrainBatchSize)
    let grouped = config.groupByLength || config.tokensPerBatch != nil
    let sampler = BatchSampler(
      examples, size: size, poolBatches: grouped ? 50 : 0, seed: config.dataSeed ?? config.seed)
    self.init(
      exampleCount: examples.count, batches: { examples.isEmpty ? [] : sampler.batches(epoch: $0) },
      batchCount: { sampler.batchCount(epoch: $0) },
      batch: { LabeledBatch(examples, at: $0) })
  }
}
