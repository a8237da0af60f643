import Foundation
import Training

/// A watch for SIGINT and SIGTERM while a run can be broken off without a loss: the first signal asks the run to save and
/// end, a second one ends the process at once.
final class SignalWatch: TrainingObserver {
  /// The signals that break a run off.
  private static let signals = [SIGINT, SIGTERM]
  private let console: Console
  private var isWatching = false
  private var isAnnounced = false

  /// A watch that begins with the run, or with `start()`.
  init(_ console: Console) { self.console = console }

  deinit { stop() }

  /// Takes the signals from now on, but for those that the process was told to ignore.
  func start() {
    if isWatching { return }
    isWatching = true
    Caught.signal = 0
    for number in Self.signals {
      // A signal that somebody has switched off, as nohup does, stays off.
      if Caught.isIgnored(signal(number, Caught.handler)) { _ = signal(number, SIG_IGN) }
    }
  }

  /// Gives the signals back to the system.
  func stop() {
    guard isWatching else { return }
    isWatching = false
    for number in Self.signals where Caught.isIgnored(signal(number, SIG_DFL)) { _ = signal(number, SIG_IGN) }
  }

  /// Lets SIGQUIT end the program, unless it was told to ignore it.
  static func endOnQuit() {
    if Caught.isIgnored(signal(SIGQUIT, SIG_DFL)) { _ = signal(SIGQUIT, SIG_IGN) }
  }

  /// Breaks work off that has no steps, such as asking a teacher, if a signal came.
  ///
  /// - Throws: `InterruptedError`.
  func check(_ remedy: String) throws {
    guard Caught.signal != 0 else { return }
    throw InterruptedError(signal: Caught.signal, description: "interrupted; \(remedy)")
  }

  var isInterrupted: Bool { Caught.signal != 0 }

  func started(totalSteps: Int, startStep: Int, totalEpochs: Double, examples: Int) { start() }

  func evaluationStarted(step: Int) { announce("this evaluation") }

  func stepDone(_ progress: TrainingProgress) { announce("step \(progress.step)") }

  func finished(_ summary: TrainingSummary) { stop() }

  private func announce(_ work: String) {
    guard isInterrupted, !isAnnounced else { return }
    isAnnounced = true
    console.note("interrupted: saving after \(work); once more ends at once")
  }
}

/// A run that a signal broke off; the exit code is 128 and the signal's number, as a shell reports it.
struct InterruptedError: Error, CustomStringConvertible {
  let signal: Int32
  let description: String

  /// The exit code.
  var exitCode: Int32 { 128 + signal }

  /// The error of a run that broke off after a step; nil when no signal was the reason.
  init?(_ error: TrainingError) {
    guard case .interrupted = error, Caught.signal != 0 else { return nil }
    (signal, description) = (Caught.signal, "\(error)")
  }

  init(signal: Int32, description: String) { (self.signal, self.description) = (signal, description) }
}

/// What the handler keeps; a handler may touch nothing that is not there already.
private enum Caught {
  /// The signal that came, 0 for none.
  nonisolated(unsafe) static var signal: Int32 = 0

  /// Whether a handler is the one that ignores.
  static func isIgnored(_ handler: (@convention(c) (Int32) -> Void)?) -> Bool {
    unsafeBitCast(handler, to: Int.self) == unsafeBitCast(SIG_IGN, to: Int.self)
  }

  /// Notes the first signal; lets the system act on a second one.
  static let handler: @convention(c) (Int32) -> Void = { number in
    if Caught.signal != 0 {
      _ = Foundation.signal(number, SIG_DFL)
      raise(number)
    }
    Caught.signal = number
  }
}
