/// Pace of checkpoints by time: the next is due when training has gone on a hundred times as long as writing one takes, so
/// that they cost at most a hundredth of a run.
package struct CheckpointPace {
  /// The part of a run's time that checkpoints may take.
  package static let share = 0.01
  /// Seconds of training between two checkpoints, at least.
  package static let leastSeconds = 60.0

  /// Seconds that writing a checkpoint takes, by its size until one has been written.
  private var cost: Double
  /// Seconds of training at the last one.
  private var last: Double

  /// A pace that begins now.
  ///
  /// - Parameters:
  ///   - bytes: The size of a checkpoint.
  ///   - seconds: The seconds of training so far.
  package init(bytes: Int, after seconds: Double) {
    // A slow disk, so that the first does not come too soon.
    cost = Double(bytes) / 50e6
    last = seconds
  }

  /// Whether a checkpoint is due.
  ///
  /// - Parameter seconds: The seconds of training so far.
  package func isDue(after seconds: Double) -> Bool {
    seconds - last >= max(Self.leastSeconds, cost / Self.share)
  }

  /// Takes note of a checkpoint and the seconds that writing it took.
  package mutating func saved(after seconds: Double, in cost: Double) { (last, self.cost) = (seconds, cost) }
}
