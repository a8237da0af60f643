/// Sampler of batches, which examples of a data set go into which batch, the same way for the same seed and epoch on
/// every machine.
///
/// Training batches: the data set is shuffled; runs of about `poolBatches` batches are sorted by length and cut into
/// batches, so that a batch holds sequences of similar length; the batches are shuffled again. Every example
/// appears exactly once an epoch, and every batch but one is full (as full as a token budget allows).
public struct BatchSampler: Sendable {
  /// The length in tokens of each example [N].
  public let lengths: [Int]
  /// The size of a batch.
  public let size: BatchSize
  /// The number of batches that are sorted by length together; 0 keeps the plain random order.
  public let poolBatches: Int
  /// The seed that, with the epoch, decides the order.
  public let seed: UInt64

  /// A sampler over examples of the given lengths.
  ///
  /// - Parameters:
  ///   - size: how much a batch holds, at least 1 sequence or token.
  ///   - poolBatches: batches sorted by length together; 50 is what Hugging Face's `group_by_length` uses.
  public init(lengths: [Int], size: BatchSize, poolBatches: Int = 50, seed: UInt64 = 42) {
    precondition(size.limit >= 1, "A batch must hold at least one sequence or token, found \(size.limit).")
    precondition(poolBatches >= 0, "A pool of \(poolBatches) batches does not exist.")
    self.lengths = lengths
    self.size = size
    self.poolBatches = poolBatches
    self.seed = seed
  }

  /// A sampler over encoded examples.
  public init(
    _ examples: some ExampleRows, size: BatchSize, poolBatches: Int = 50, seed: UInt64 = 42
  ) {
    self.init(lengths: examples.encodedExamples.lengths, size: size, poolBatches: poolBatches, seed: seed)
  }

  /// The number of examples, N.
  public var exampleCount: Int { lengths.count }

  /// The batches of one epoch (counted from 0), as positions in the data set.
  public func batches(epoch: Int) -> [[Int]] {
    var random = SplitMix64(seed, UInt64(bitPattern: Int64(epoch)))
    var order = Array(lengths.indices)
    random.shuffle(&order)
    guard poolBatches > 0 else { return cut(order).full }
    var batches: [[Int]] = []
    var pool: [Int] = []
    var tokens = 0
    for (place, index) in order.enumerated() {
      pool.append(index)
      tokens += lengths[index]
      let isLast = place == order.count - 1
      if isLast || isFull(sequences: pool.count, tokens: tokens) {
        // What does not fill a batch waits for the next pool; at the end of the epoch it is a batch of its own.
        let (full, rest) = cut(sortedByLength(pool), keepsRest: !isLast)
        batches += full
        pool = rest
        tokens = rest.reduce(0) { $0 + lengths[$1] }
      }
    }
    random.shuffle(&batches)
    return batches
  }

  /// The number of batches of one epoch; with a token budget it may differ a little between epochs.
  public func batchCount(epoch: Int = 0) -> Int {
    if case .sequences(let limit) = size { return lengths.isEmpty ? 0 : (lengths.count - 1) / limit + 1 }
    return batches(epoch: epoch).count
  }

  /// Batches for evaluation: the longest sequences first, no randomness; positions restore the order of the data set.
  public func evaluationBatches() -> [[Int]] {
    cut(sortedByLength(Array(lengths.indices)).reversed()).full
  }

  private func isFull(sequences: Int, tokens: Int) -> Bool {
    let (pool, isTooLarge) = size.limit.multipliedReportingOverflow(by: poolBatches)
    if isTooLarge { return false }
    return switch size {
    case .sequences: sequences >= pool
    case .tokens: tokens >= pool
    }
  }

  private func sortedByLength(_ indices: [Int]) -> [Int] {
    // Ties keep their (random) order: each number is a length above a place, less memory than pairs of the two.
    indices.enumerated().map { UInt64(lengths[$0.element]) << 32 | UInt64($0.offset) }.sorted().map {
      indices[Int($0 & 0xFFFF_FFFF)]
    }
  }

  /// Cuts a run of examples into batches; the last, partly filled one comes back as `rest` when asked for.
  private func cut(_ indices: [Int], keepsRest: Bool = false) -> (full: [[Int]], rest: [Int]) {
    var batches: [[Int]] = []
    var batch: [Int] = []
    var tokens = 0
    for index in indices {
      if !batch.isEmpty && !size.holds(sequences: batch.count + 1, tokens: tokens + lengths[index]) {
        batches.append(batch)
        batch = []
        tokens = 0
      }
      batch.append(index)
      tokens += lengths[index]
    }
    let isFull = !size.holds(sequences: batch.count + 1, tokens: tokens + 1)
    if keepsRest && !isFull { return (batches, batch) }
    if !batch.isEmpty { batches.append(batch) }
    return (batches, [])
  }
}

/// Size of one batch.
public enum BatchSize: Sendable, Hashable {
  /// This many sequences.
  case sequences(Int)
  /// A number of tokens, within which as many sequences stay as fit; a longer sequence gets a batch of its own.
  case tokens(Int)

  func holds(sequences: Int, tokens: Int) -> Bool {
    switch self {
    case .sequences(let limit): sequences <= limit
    case .tokens(let limit): tokens <= limit
    }
  }

  var limit: Int {
    switch self {
    case .sequences(let limit), .tokens(let limit): limit
    }
  }
}
