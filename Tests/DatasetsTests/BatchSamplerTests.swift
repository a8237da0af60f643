import Datasets
import Testing
import Tokenization

@Suite("Batch sampler")
struct BatchSamplerTests {
  static let sizes: [BatchSize] = [
    .sequences(1), .sequences(7), .sequences(32), .tokens(1), .tokens(64), .tokens(500),
  ]

  /// Lengths of a data set that depend on its size alone.
  static func lengths(_ count: Int) -> [Int] { (0..<count).map { 1 + ($0 * 37 + $0 / 3) % 61 } }

  @Test("holds every example exactly once an epoch", arguments: sizes, [0, 1, 2, 50])
  func everyExampleOnce(size: BatchSize, pools: Int) {
    for count in [0, 1, 6, 7, 8, 333] {
      let sampler = BatchSampler(lengths: Self.lengths(count), size: size, poolBatches: pools, seed: 7)
      for epoch in 0..<3 {
        let batches = sampler.batches(epoch: epoch)
        #expect(batches.joined().sorted() == Array(0..<count))
        #expect(batches.allSatisfy { !$0.isEmpty })
        #expect(sampler.batchCount(epoch: epoch) == batches.count)
      }
      #expect(sampler.evaluationBatches().joined().sorted() == Array(0..<count))
    }
  }

  @Test("keeps to the size of a batch", arguments: sizes)
  func limits(size: BatchSize) {
    let lengths = Self.lengths(333)
    let sampler = BatchSampler(lengths: lengths, size: size, seed: 3)
    for batch in sampler.batches(epoch: 1) + sampler.evaluationBatches() {
      switch size {
      case .sequences(let limit): #expect(batch.count <= limit)
      case .tokens(let limit):
        #expect(batch.count == 1 || batch.reduce(0) { $0 + lengths[$1] } <= limit)
      }
    }
  }

  @Test("has at most one batch that is not full", arguments: [0, 1, 5, 50])
  func onePartialBatch(pools: Int) {
    let batches = BatchSampler(lengths: Self.lengths(333), size: .sequences(10), poolBatches: pools)
      .batches(epoch: 0)
    #expect(batches.count == 34)
    #expect(batches.count { $0.count < 10 } == 1)
    // Of a token budget, no batch leaves room for most sequences but the last of the epoch.
    let lengths = Self.lengths(333)
    let byTokens = BatchSampler(lengths: lengths, size: .tokens(300), poolBatches: 5).batches(epoch: 0)
    let light = byTokens.count { $0.reduce(0) { $0 + lengths[$1] } <= 300 - 61 }
    #expect(light <= 1)
  }

  @Test("repeats itself for one seed and epoch, and differs between them")
  func determinism() {
    let sampler = BatchSampler(lengths: Self.lengths(200), size: .sequences(8), seed: 5)
    #expect(sampler.batches(epoch: 2) == sampler.batches(epoch: 2))
    #expect(sampler.batches(epoch: 2) != sampler.batches(epoch: 3))
    let other = BatchSampler(lengths: Self.lengths(200), size: .sequences(8), seed: 6)
    #expect(sampler.batches(epoch: 2) != other.batches(epoch: 2))
    // The order is part of what a seed promises: it may not change from one version to the next.
    let tiny = BatchSampler(lengths: [3, 1, 2, 5, 4, 1, 9, 2], size: .sequences(3), poolBatches: 1, seed: 1)
    #expect(tiny.batches(epoch: 0) == [[1, 2, 3], [0, 4, 6], [5, 7]])
  }

  @Test("groups sequences of similar length")
  func grouping() {
    let lengths = Self.lengths(2000)
    func spread(_ batches: [[Int]]) -> Int {
      batches.reduce(0) { sum, batch in
        let sizes = batch.map { lengths[$0] }
        return sum + (sizes.max() ?? 0) - (sizes.min() ?? 0)
      }
    }
    let grouped = BatchSampler(lengths: lengths, size: .sequences(16), poolBatches: 50)
    let plain = BatchSampler(lengths: lengths, size: .sequences(16), poolBatches: 0)
    #expect(spread(grouped.batches(epoch: 0)) * 8 < spread(plain.batches(epoch: 0)))
    // The batches themselves are in random order: their lengths do not rise through the epoch.
    let means = grouped.batches(epoch: 0).map { batch in batch.reduce(0) { $0 + lengths[$1] } / batch.count }
    #expect(zip(means, means.dropFirst()).count { $0 > $1 } > means.count / 4)
  }

  @Test("evaluates the longest sequences first")
  func evaluation() {
    let lengths = Self.lengths(50)
    let order = BatchSampler(lengths: lengths, size: .sequences(8)).evaluationBatches().flatMap { $0 }
    #expect(order.map { lengths[$0] } == lengths.sorted(by: >))
  }

  @Test("packs a batch with its labels and places")
  func labeledBatch() {
    let examples = [
      EncodedExample(ids: [2, 10, 3], segments: [0, 0, 0], label: 1),
      EncodedExample(ids: [2, 3], segments: [0, 1]),
    ]
    let batch = Batch(examples, at: [1, 0])
    #expect(batch.tokens.ids == [2, 3, 2, 10, 3])
    #expect(batch.tokens.starts == [0, 2, 5])
    #expect(batch.labels == [EncodedExample.noLabel, 1])
    #expect(batch.indices == [1, 0] && batch.count == 2)
  }
}
