/// Somebody who watches a run and may end it: a progress bar, a log, a stopping rule.
///
/// Every method has a default that does nothing; an error breaks the run off.
public protocol TrainingObserver: AnyObject {
  /// Why the run shall end after the update that was just reported, as a message says it; nil (the default) lets it go on.
  ///
  /// Asked after each of the calls below. The update is then treated as the run's last: it is logged, evaluated and saved
  /// as the settings say of the last, and the best weights are kept.
  var stopReason: String? { get }
  /// Whether the run shall be broken off after the update that was just reported: a checkpoint is written to go on from, and
  /// the run ends with `TrainingError.interrupted`; false by default.
  var isInterrupted: Bool { get }
  /// The run begins, or goes on after `startStep` updates.
  func started(totalSteps: Int, startStep: Int, totalEpochs: Double, examples: Int) throws
  /// An update is done.
  func stepDone(_ progress: TrainingProgress) throws
  /// A line of the log is due.
  func logged(_ entry: TrainingLogEntry) throws
  /// An evaluation begins.
  func evaluationStarted(step: Int) throws
  /// An evaluation is done; `isBest` tells whether it is the best so far.
  func evaluated(_ result: EvaluationResult, step: Int, epoch: Double, isBest: Bool) throws
  /// Something a user may want to read.
  func message(_ text: String) throws
  /// Something a user must read; by default a message.
  func warning(_ text: String) throws
  /// The run is over.
  func finished(_ summary: TrainingSummary) throws
}

extension TrainingObserver {
  /// Nothing: the run goes on.
  public var stopReason: String? { nil }
  /// No: the run goes on.
  public var isInterrupted: Bool { false }
  /// Does nothing.
  public func started(totalSteps: Int, startStep: Int, totalEpochs: Double, examples: Int) throws {}
  /// Does nothing.
  public func stepDone(_ progress: TrainingProgress) throws {}
  /// Does nothing.
  public func logged(_ entry: TrainingLogEntry) throws {}
  /// Does nothing.
  public func evaluationStarted(step: Int) throws {}
  /// Does nothing.
  public func evaluated(_ result: EvaluationResult, step: Int, epoch: Double, isBest: Bool) throws {}
  /// Does nothing.
  public func message(_ text: String) throws {}
  /// Passes it on as a message.
  public func warning(_ text: String) throws { try message(text) }
  /// Does nothing.
  public func finished(_ summary: TrainingSummary) throws {}
}
