import Datasets
import Encoders
import ModelFormats
import Tensors
import Tokenization

/// Speed of a model's answers: the latency of single sequences, and the throughput at the best of some batch sizes.
public struct InferenceSpeed: Sendable, Equatable {
  /// Latency of one sequence alone, in milliseconds.
  public struct Latency: Sendable, Equatable {
    /// Half of the sequences take no longer.
    public let p50: Double
    /// 95 of 100 take no longer.
    public let p95: Double
    /// 99 of 100 take no longer.
    public let p99: Double

    /// The percentiles of some times by the nearest rank.
    ///
    /// - Parameter milliseconds: The times; at least one.
    public init(of milliseconds: [Double]) {
      precondition(!milliseconds.isEmpty, "Percentiles are those of at least one time.")
      let sorted = milliseconds.sorted()
      func percentile(_ share: Double) -> Double {
        sorted[max(0, Int((share * Double(sorted.count)).rounded(.up)) - 1)]
      }
      (p50, p95, p99) = (percentile(0.5), percentile(0.95), percentile(0.99))
    }
  }

  /// Latency of single sequences.
  public let latency: Latency
  /// Batch size with the most sequences a second.
  public let bestBatch: Int
  /// Sequences a second in batches of that size, sorted by length.
  public let samplesPerSecond: Double

  /// Batch sizes that are tried, in sequences.
  public static let batchSizes = [1, 4, 8, 16, 32, 64, 128]

  /// Measures a model on the first rows of some data; caches are warm before the clock starts.
  ///
  /// - Parameters:
  ///   - singles: Sequences of which each is timed alone, at most.
  ///   - sequences: Sequences of each batch size, at most.
  public init(of model: TaskModel, on data: EncodedTask, singles: Int = 200, sequences: Int = 512) {
    func time(_ examples: [EncodedExample], _ indices: [Int]) -> Double {
      let batch = Batch(examples, at: indices).tokens
      let start = ContinuousClock.now
      _ = model(batch, in: .inference).logits.values
      return (ContinuousClock.now - start) / .seconds(1)
    }
    let all = data.examples
    precondition(!all.isEmpty, "A speed is measured on at least one sequence.")
    for index in all.indices.prefix(10) { _ = time(all, [index]) }
    latency = Latency(of: all.indices.prefix(max(1, singles)).map { 1000 * time(all, [$0]) })
    let some = Array(all.prefix(max(1, sequences)))
    var best = (batch: 1, rate: 0.0)
    for size in Self.batchSizes where size <= max(1, some.count) {
      let batches = BatchSampler(some, size: .sequences(size)).evaluationBatches()
      if let first = batches.first { _ = time(some, first) }
      let rate = Double(some.count) / max(batches.reduce(0) { $0 + time(some, $1) }, 1e-9)
      if rate > best.rate { best = (size, rate) }
    }
    (bestBatch, samplesPerSecond) = best
  }

  /// The speed for machines.
  public var json: JSONObject {
    func rounded(_ value: Double) -> JSONValue { .double((value * 1000).rounded() / 1000) }
    var object = JSONObject()
    object["latency_p50_ms"] = rounded(latency.p50)
    object["latency_p95_ms"] = rounded(latency.p95)
    object["latency_p99_ms"] = rounded(latency.p99)
    object["best_batch"] = .integer(bestBatch)
    object["best_samples_per_second"] = .double((samplesPerSecond * 10).rounded() / 10)
    return object
  }
}
