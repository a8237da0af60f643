/// Somebody who watches a run: a progress bar, a log.
///
/// Every method has a default that does nothing; an error stops the run.
public protocol TrainingObserver: AnyObject {
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
  /// The run is over.
  func finished(_ summary: TrainingSummary) throws
}

extension TrainingObserver {
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
  /// Does nothing.
  public func finished(_ summary: TrainingSummary) throws {}
}
