import Kernels
import Tensors
import Training

/// Times the steps of a run; the first few are not counted.
final class BenchClock: TrainingObserver {
  private let warmup: Int
  private let profiles: Bool
  private var done = 0
  private var last = ContinuousClock.now
  private var allocations = BufferPool.shared.statistics.systemAllocations
  /// Seconds of each counted step.
  private(set) var seconds: [Double] = []
  /// Buffers asked of the system during the last step.
  private(set) var allocationsInLastStep = 0

  init(_ options: BenchOptions) {
    warmup = options.warmup
    profiles = options.profile
  }

  func started(totalSteps: Int, startStep: Int, totalEpochs: Double, examples: Int) { begin() }

  func stepDone(_ progress: TrainingProgress) { stepDone() }

  /// The next step begins.
  func begin() {
    if done == warmup && profiles { WorkProfile.start() }
    allocations = BufferPool.shared.statistics.systemAllocations
    last = ContinuousClock.now
  }

  /// A step has ended, and the next one begins.
  func stepDone() {
    let now = ContinuousClock.now
    if done >= warmup { seconds.append((now - last) / .seconds(1)) }
    allocationsInLastStep = BufferPool.shared.statistics.systemAllocations - allocations
    done += 1
    begin()
  }

  /// The report of what was timed.
  ///
  /// - Parameters:
  ///   - lengths: The lengths of the sequences of every batch, the warm-up's first.
  ///   - operations: Floating-point operations of one batch.
  func report(
    _ work: String, shape: String, options: BenchOptions, lengths: [[Int]],
    operations: ([Int]) -> Double
  ) -> BenchReport {
    let profile = profiles ? WorkProfile.stop() : nil
    let counted = lengths.dropFirst(warmup)
    return BenchReport(
      work: work, shape: shape, batchSize: options.batch, seconds: seconds,
      tokens: counted.map { $0.reduce(0, +) }, operations: counted.map(operations),
      allocationsInLastStep: allocationsInLastStep, profile: profile)
  }
}
