/// The durations of some runs of the same work.
public struct Measurement: Sendable {
  /// Seconds a run, ascending; never empty.
  public let seconds: [Double]

  /// Runs `work` a few times without the clock, then with it, at least `minimumRuns` times and `minimumSeconds` long.
  ///
  /// - Parameters:
  ///   - warmUp: Runs that do not count: they fill caches, pools and branch predictors.
  ///   - minimumRuns: Runs that count, at least 1.
  ///   - minimumSeconds: The least time over which runs are counted.
  ///   - repetitions: Calls of `work` in one run, for work far shorter than a microsecond; durations are of one call.
  ///   - work: What to measure.
  public init(
    warmUp: Int = 2, minimumRuns: Int = 7, minimumSeconds: Double = 0.2, repetitions: Int = 1,
    _ work: () throws -> Void
  ) rethrows {
    for _ in 0..<warmUp { try work() }
    let clock = ContinuousClock()
    var found: [Double] = []
    let begin = clock.now
    repeat {
      let start = clock.now
      for _ in 0..<repetitions { try work() }
      found.append(Self.seconds(clock.now - start) / Double(repetitions))
    } while found.count < minimumRuns || Self.seconds(clock.now - begin) < minimumSeconds
    seconds = found.sorted()
  }

  /// The middle duration in seconds: what to compare.
  public var median: Double {
    let middle = seconds.count / 2
    return seconds.count % 2 == 1 ? seconds[middle] : (seconds[middle - 1] + seconds[middle]) / 2
  }
  /// The shortest duration in seconds: what the machine can do undisturbed.
  public var minimum: Double { seconds[0] }
  /// The longest duration in seconds: how much it was disturbed.
  public var maximum: Double { seconds[seconds.count - 1] }

  private static func seconds(_ duration: Duration) -> Double {
    Double(duration.components.seconds) + Double(duration.components.attoseconds) * 1e-18
  }
}
