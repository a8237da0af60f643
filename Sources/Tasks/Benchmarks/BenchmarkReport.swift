import Foundation
import Kernels
import ModelFormats
import Tensors

/// Report on a measurement, for machines and people.
public struct BenchmarkReport {
  /// Name of the measurement, such as `train-step`.
  public let work: String
  /// The shape or shapes.
  public let shape: String
  /// Sequences in a batch.
  public let batchSize: Int
  /// Seconds of each measured step, in order.
  public let seconds: [Double]
  /// Tokens of each measured step.
  public let tokens: [Int]
  /// Floating-point operations of each measured step: products on real tokens.
  public let operations: [Double]
  /// Buffers asked of the system during the last step.
  public let allocationsInLastStep: Int
  /// Seconds of each kind of work over all threads and measured steps; nil where none was taken.
  public let profile: [WorkKind: Double]?
  /// The same model in Float32, where the measured one was made of it; nil otherwise.
  public var comparison: PrecisionComparison?

  private var total: Double { seconds.reduce(0, +) }
  private var median: Double { Self.median(of: seconds) }
  private var tokenRate: Double { Double(tokens.reduce(0, +)) / total }
  private var gigaflops: Double { operations.reduce(0, +) / total / 1e9 }

  /// The report for machines; times in milliseconds, rates over all measured steps together.
  public var json: JSONObject {
    var object = JSONObject()
    object["work"] = .string(work)
    object["shape"] = .string(shape)
    object["batch"] = .integer(batchSize)
    object["threads"] = .integer(Parallel.threadCount)
    object["steps"] = .integer(seconds.count)
    object["ms_median"] = .double(Self.rounded(median * 1e3))
    object["ms_min"] = .double(Self.rounded((seconds.min() ?? 0) * 1e3))
    object["ms_max"] = .double(Self.rounded((seconds.max() ?? 0) * 1e3))
    object["ms_mean"] = .double(Self.rounded(total / Double(seconds.count) * 1e3))
    object["sequences_per_second"] = .double(Self.rounded(Double(batchSize * seconds.count) / total))
    object["tokens_per_second"] = .double(Self.rounded(tokenRate))
    object["useful_gflops"] = .double(Self.rounded(gigaflops))
    object["peak_rss_mb"] = .double(Self.rounded(Double(PeakMemory.residentBytes) / 1_048_576))
    object["allocations_last_step"] = .integer(allocationsInLastStep)
    if let comparison { object["int8"] = .object(comparison.json(median: median)) }
    if let profile {
      var kinds = JSONObject()
      for (name, seconds) in rows(profile) {
        kinds[name] = .double(Self.rounded(seconds / Double(self.seconds.count) * 1e3))
      }
      object["profile_thread_ms"] = .object(kinds)
    }
    return object
  }

  /// The report for people: a name and a value a line.
  public var facts: [(name: String, value: String)] {
    [
      (work, "\(shape), batches of \(batchSize), \(Parallel.threadCount) threads"),
      (
        "ms a step",
        String(
          format: "%.2f median of %d, %.2f to %.2f", median * 1e3, seconds.count, (seconds.min() ?? 0) * 1e3,
          (seconds.max() ?? 0) * 1e3)
      ), ("sequences/s", String(format: "%.1f", Double(batchSize * seconds.count) / total)),
      ("tokens/s", grouped(Int(tokenRate))), ("useful GFLOP/s", String(format: "%.1f", gigaflops)),
      ("peak memory", megabytes(PeakMemory.residentBytes) + " MB"),
      ("allocations", "\(allocationsInLastStep) in the last step"),
    ] + (comparison?.facts(median: median) ?? [])
  }

  /// Profile of the threads' time: the kind, milliseconds a step and the share of all; nil without a profile.
  public var shares: [(kind: String, milliseconds: String, share: String)]? {
    let all = total * Double(Parallel.threadCount)
    return profile.map { profile in
      rows(profile).map { name, seconds in
        (
          name, String(format: "%.2f", seconds / Double(self.seconds.count) * 1e3),
          String(format: "%.1f %%", 100 * seconds / all)
        )
      }
    }
  }

  /// The kinds, then what is left of the threads' time: the serial parts of a step, and waiting for them.
  private func rows(_ profile: [WorkKind: Double]) -> [(name: String, seconds: Double)] {
    let rest = total * Double(Parallel.threadCount) - profile.values.reduce(0, +)
    return WorkKind.allCases.map { ($0.label, profile[$0] ?? 0) } + [("serial and idle", rest)]
  }

  static func median(of values: [Double]) -> Double {
    let sorted = values.sorted()
    let middle = sorted.count / 2
    return sorted.count % 2 == 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2
  }

  static func rounded(_ value: Double) -> Double { (value * 1000).rounded() / 1000 }
}

extension WorkKind {
  /// The kind in words.
  fileprivate var label: String {
    switch self {
    case .matrixProducts: "matrix products"
    case .attention: "attention"
    case .elementwise: "element-wise"
    case .normalization: "normalization"
    case .embedding: "embedding"
    case .loss: "loss"
    case .optimizer: "optimizer"
    case .allocation: "allocation"
    }
  }
}
