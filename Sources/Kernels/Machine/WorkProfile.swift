import Synchronization

/// Kinds of work of the engine's threads that a profile tells apart.
public enum WorkKind: Int, Sendable, CaseIterable {
  /// Matrix products of linear layers and `matmul`.
  case matrixProducts
  /// Attention: its products, softmax and dropout.
  case attention
  /// Biases, activations, additions, reductions and the like.
  case elementwise
  /// Residual, dropout and LayerNorm.
  case normalization
  /// Embedding sums, and the gradients of their tables.
  case embedding
  /// Losses and their gradients.
  case loss
  /// Gradient norm and parameter updates.
  case optimizer
  /// Buffers asked of the system; the pages are touched, and paid for, by whoever writes them first.
  case allocation
}

/// Profile of where the threads' time goes; off, it costs one load a call.
public enum WorkProfile {
  private final class Counter: Sendable { let nanoseconds = Atomic<Int>(0) }

  private static let isOn = Atomic<Bool>(false)
  private static let counters = WorkKind.allCases.map { _ in Counter() }

  /// Starts counting from zero.
  public static func start() {
    for counter in counters { counter.nanoseconds.store(0, ordering: .relaxed) }
    isOn.store(true, ordering: .releasing)
  }

  /// Stops counting.
  ///
  /// - Returns: Seconds of each kind, the sum over all threads.
  public static func stop() -> [WorkKind: Double] {
    isOn.store(false, ordering: .releasing)
    return Dictionary(
      uniqueKeysWithValues: zip(WorkKind.allCases, counters).map {
        ($0, Double($1.nanoseconds.load(ordering: .relaxed)) * 1e-9)
      })
  }

  /// Runs `body` and counts its time on this thread; calls must not nest, or time counts twice.
  @inline(__always)
  package static func time<Result>(_ kind: WorkKind, _ body: () throws -> Result) rethrows -> Result {
    guard isOn.load(ordering: .relaxed) else { return try body() }
    return try measured(kind, body)
  }

  @inline(never)
  private static func measured<Result>(_ kind: WorkKind, _ body: () throws -> Result) rethrows -> Result {
    let start = ContinuousClock.now
    defer {
      let time = (ContinuousClock.now - start).components
      counters[kind.rawValue].nanoseconds.add(
        Int(time.seconds) * 1_000_000_000 + Int(time.attoseconds / 1_000_000_000), ordering: .relaxed)
    }
    return try body()
  }
}
