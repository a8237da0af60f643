import Dispatch
import Synchronization

/// Splits independent work over the machine's cores; the only place where threads are used inside a step.
public enum Parallel {
  private static let chosen = Atomic<Int>(0)

  /// The number of workers, at least 1; at first the number of processors this process may use.
  public static var threadCount: Int {
    get {
      let value = chosen.load(ordering: .relaxed)
      return value > 0 ? value : ProcessorCount.available
    }
    set { chosen.store(max(1, newValue), ordering: .relaxed) }
  }
}
