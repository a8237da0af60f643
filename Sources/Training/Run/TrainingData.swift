public import Datasets
import ModelFormats
import Tokenization

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
  /// Packs the examples at some positions; throws when they are read from a file that can no longer be read.
  public let batch: (_ indices: [Int]) throws -> Batch
  private let rows: () throws -> String
  private let place: (_ index: Int) -> String?

  /// Data with an order and a packing of its own; `batchCount` may be given where it is cheaper than `batches`, `rows`,
  /// a fingerprint of all examples in their order, where it is cheaper than packing each, and `place`, file and line of an
  /// example, where they are known.
  public init(
    exampleCount: Int, batches: @escaping (_ epoch: Int) -> [[Int]],
    batchCount: ((_ epoch: Int) -> Int)? = nil,
    batch: @escaping (_ indices: [Int]) throws -> Batch, rows: (() throws -> String)? = nil,
    place: @escaping (_ index: Int) -> String? = { _ in nil }
  ) {
    self.exampleCount = exampleCount
    self.batches = batches
    self.batchCount = batchCount ?? { batches($0).count }
    self.batch = batch
    self.place = place
    self.rows =
      rows ?? {
        var fingerprint = Fingerprint()
        for index in batches(0).joined().sorted() { try fingerprint.add(batch([index])) }
        return fingerprint.text
      }
  }

  /// Places of examples in their files, each once, as messages name them; the number of an example, from 0, where its file is not
  /// known.
  package func places(of indices: [Int]) -> [String] {
    var seen: Set<String> = []
    return indices.map { place($0) ?? "\($0)" }.filter { seen.insert($0).inserted }
  }

  /// A fingerprint of the examples with their targets, in the order of the data set.
  ///
  /// - Throws: What packing them throws.
  public var rowsFingerprint: String { get throws { try rows() } }

  /// A fingerprint of the order in which the first epoch takes the examples, and of its batches.
  public var orderFingerprint: String {
    var fingerprint = Fingerprint()
    for batch in batches(0) { fingerprint.add(batch) }
    return fingerprint.text
  }

  /// Encoded examples in the seeded random order, batch size and length grouping of the settings.
  ///
  /// Batches of a token budget are always grouped by length, without which they could not be filled evenly.
  public init(_ examples: some ExampleRows, config: TrainingConfig) {
    let examples = examples.encodedExamples
    let grouped = config.groupByLength || config.tokensPerBatch != nil
    let sampler = BatchSampler(
      examples, size: config.wholeBatch, poolBatches: grouped ? 50 : 0, seed: config.dataSeed ?? config.seed)
    self.init(
      exampleCount: examples.count, batches: { examples.isEmpty ? [] : sampler.batches(epoch: $0) },
      batchCount: { sampler.batchCount(epoch: $0) },
      batch: { try examples.batch(at: $0) },
      rows: {
        let fingerprint = EncodedExample.fingerprint(of: examples)
        try examples.check()
        return fingerprint
      }, place: { examples.place(of: $0) })
  }
}

extension EncodedExample {
  /// A fingerprint of examples with their targets, in their order.
  public static func fingerprint(of examples: some ExampleRows) -> String {
    let examples = examples.encodedExamples
    var fingerprint = Fingerprint()
    fingerprint.add(UInt64(examples.count))
    for example in examples {
      fingerprint.add(example.ids)
      fingerprint.add(example.segments)
      if let start = example.secondStart { fingerprint.add([4, UInt64(start)]) }
      fingerprint.add(example.target)
    }
    return fingerprint.text
  }
}

extension Fingerprint {
  fileprivate mutating func add(_ batch: Batch) {
    add(batch.tokens.ids)
    add(batch.tokens.segments)
    for target in batch.targets { add(target) }
  }

  fileprivate mutating func add(_ target: ExampleTarget) {
    switch target {
    case .none: add(0)
    case .label(let label): add([1, label])
    case .value(let value): add([2, UInt32(value.bitPattern)])
    case .labels(let flags): add(flags.map { $0 ? 1 : 0 as UInt8 })
    case .tags(let tags): add(tags)
    case .span(let start, let end): add([3, start, end])
    }
  }
}
