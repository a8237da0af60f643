import Foundation
import Synchronization

/// A watch for SIGINT, SIGTERM and SIGHUP while a run can be broken off without a loss: the first signal asks the run to save and
/// end, a second one ends the process at once.
public final class SignalWatch: TrainingObserver {
  /// The signals that break a run off.
  private static let signals = [SIGINT, SIGTERM, SIGHUP]
  private let note: (String) -> Void
  private var isWatching = false
  private var isAnnounced = false

  /// A watch that begins with the run, or with `start()`.
  ///
  /// - Parameter note: Tells the user what is about to happen.
  public init(note: @escaping (String) -> Void) { self.note = note }

  deinit { stop() }

  /// The signal that came since a watch began last; 0 for none.
  public static var caughtSignal: Int32 { Caught.signal.load(ordering: .relaxed) }

  /// Takes the signals from now on, but for those that the process was told to ignore.
  public func start() {
    if isWatching { return }
    isWatching = true
    // Before the handler is there, which then finds it made.
    Caught.signal.store(0, ordering: .relaxed)
    for number in Self.signals {
      // A signal that somebody has switched off, as nohup does, stays off.
      if Caught.isIgnored(signal(number, Caught.handler)) { _ = signal(number, SIG_IGN) }
    }
  }

  /// Gives the signals back to the system.
  public func stop() {
    guard isWatching else { return }
    isWatching = false
    for number in Self.signals where Caught.isIgnored(signal(number, SIG_DFL)) { _ = signal(number, SIG_IGN) }
  }

  /// Lets SIGQUIT end the program, unless it was told to ignore it.
  package static func endOnQuit() {
    if Caught.isIgnored(signal(SIGQUIT, SIG_DFL)) { _ = signal(SIGQUIT, SIG_IGN) }
  }

  /// Whether a signal came.
  public var isInterrupted: Bool { Self.caughtSignal != 0 }

  /// Takes the signals.
  public func started(totalSteps: Int, startStep: Int, totalEpochs: Double, examples: Int) { start() }

  /// Notes that the evaluation is finished before an interrupted run ends.
  public func evaluationStarted(step: Int) { announce("this evaluation") }

  /// Notes that the step is finished before an interrupted run ends.
  public func stepDone(_ progress: TrainingProgress) { announce("step \(progress.step)") }

  /// Gives the signals back.
  public func finished(_ summary: TrainingSummary) { stop() }

  private func announce(_ work: String) {
    guard isInterrupted, !isAnnounced else { return }
    isAnnounced = true
    note("interrupted: saving after \(work); once more ends at once")
  }
}

/// State of the handler, which may touch nothing that is not there already.
private enum Caught {
  /// The signal that came, 0 for none.
  static let signal = Atomic<Int32>(0)

  /// Whether a handler is the one that ignores.
  static func isIgnored(_ handler: (@convention(c) (Int32) -> Void)?) -> Bool {
    unsafeBitCast(handler, to: Int.self) == unsafeBitCast(SIG_IGN, to: Int.self)
  }

  /// Notes the first signal; lets the system act on a second one.
  static let handler: @convention(c) (Int32) -> Void = { number in
    let isFirst = Caught.signal.compareExchange(expected: 0, desired: number, ordering: .relaxed).exchanged
    if !isFirst {
      _ = Foundation.signal(number, SIG_DFL)
      raise(number)
    }
  }
}
