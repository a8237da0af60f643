import Kernels
import Tensors
import Training

/// Clock of the steps of a run; the first few are not counted.
public final class BenchmarkClock: TrainingObserver {
  let warmup: Int
  let profiles: Bool
  private var done = 0
  private var last = ContinuousClock.now
  private var allocations = BufferPool.shared.statistics.systemAllocations
  /// Seconds of each counted step.
  public private(set) var seconds: [Double] = []
  /// Buffers asked of the system during the last step.
  public private(set) var allocationsInLastStep = 0

  /// A clock that begins after some steps.
  ///
  /// - Parameters:
  ///   - warmup: The steps that do not count.
  ///   - profiles: Whether it takes down what the threads spend their time on.
  public init(warmup: Int, profiles: Bool = false) {
    self.warmup = warmup
    self.profiles = profiles
  }

  /// Starts the clock.
  public func started(totalSteps: Int, startStep: Int, totalEpochs: Double, examples: Int) { begin() }

  /// Takes the time of an update.
  public func stepDone(_ progress: TrainingProgress) { stepDone() }

  /// Starts the next step.
  public func begin() {
    if done == warmup && profiles { WorkProfile.start() }
    allocations = BufferPool.shared.statistics.systemAllocations
    last = ContinuousClock.now
  }

  /// Ends a step and starts the next one.
  public func stepDone() {
    let now = ContinuousClock.now
    if done >= warmup { seconds.append((now - last) / .seconds(1)) }
    allocationsInLastStep = BufferPool.shared.statistics.systemAllocations - allocations
    done += 1
    begin()
  }

  /// The report of what was timed.
  ///
  /// - Parameters:
  ///   - work: What was measured, such as `train-step`.
  ///   - shape: The shape or shapes.
  ///   - batchSize: Sequences in a batch.
  ///   - lengths: The lengths of the sequences of every batch, the warm-up's first.
  ///   - operations: Floating-point operations of one batch.
  public func report(
    _ work: String, shape: String, batchSize: Int, lengths: [[Int]],
    operations: ([Int]) -> Double
  ) -> BenchmarkReport {
    let profile = profiles ? WorkProfile.stop() : nil
    let counted = lengths.dropFirst(warmup)
    return BenchmarkReport(
      work: work, shape: shape, batchSize: batchSize, seconds: seconds,
      tokens: counted.map { $0.reduce(0, +) }, operations: counted.map(operations),
      allocationsInLastStep: allocationsInLastStep, profile: profile, comparison: nil)
  }
}
