import Encoders
import Foundation
import TaskData
import Tasks
import Training

extension GeneralDistiller {
  /// Distils: trains the student on encoded examples, scoring it as the settings say.
  ///
  /// ```swift
  /// let distiller = try GeneralDistiller(DistillationConfig(temperature: 8), teacher: teacher, student: student)
  /// let summary = try distiller.train(examples, validation: validation, config: training)
  /// try student.save(to: folder)
  /// ```
  ///
  /// - Parameters:
  ///   - examples: What the student sees; those without a label count for everything but the hard-label loss.
  ///   - validation: What a student that classifies sequences is scored on.
  ///   - metrics: The names of the metrics.
  ///   - score: What scores a student that is no classifier of sequences when it is due, instead of `validation`.
  ///   - config: Epochs, batches, learning rate and the like.
  ///   - checkpoints: Where checkpoints go; projections are kept beside the student.
  ///   - observers: Told of everything, in this order.
  ///   - point: The checkpoint of the run to go on from.
  /// - Throws: `DistillationError`, `TrainingError`, and what an adaptor or observer throws.
  @discardableResult
  public func train(
    _ examples: [EncodedExample], validation: [EncodedExample] = [], metrics: [String] = ["accuracy"],
    score: (() throws -> EvaluationResult)? = nil,
    config: TrainingConfig, checkpoints: CheckpointFolder? = nil, observers: [any TrainingObserver] = [],
    resumingFrom point: ResumePoint? = nil
  ) throws -> TrainingSummary {
    let data = TrainingData(examples, config: config)
    try prepare(for: examples, data: data, config: config)
    let loop = TrainingLoop(
      config: config, objective: self, data: data,
      evaluate: score
        ?? (validation.isEmpty
          ? nil : { try evaluateClassifier(self.student, validation, metrics: metrics).result }),
      checkpoints: checkpoints, observers: observers)
    return try loop.run(resumingFrom: point)
  }

  /// Checks labels, the teacher's kept answers and accumulation, and makes the teacher ready.
  ///
  /// - Throws: `DistillationError` when labels are missing that the configuration asks for, answers are to other examples, or
  ///   micro-batches cannot be added up.
  func prepare(
    for examples: [EncodedExample], data: TrainingData, config training: TrainingConfig
  ) throws(DistillationError) {
    try checkLabels(of: examples)
    try checkCaching()
    try checkAccumulation(training.gradientAccumulationSteps)
    try teacher.prepare(for: examples, config: config) { data.batches(0) }
  }

  /// Several micro-batches can be one update only if no loss relates the rows of a whole batch.
  ///
  /// - Throws: `DistillationError.invalidConfiguration` naming each loss that does.
  package func checkAccumulation(_ steps: Int) throws(DistillationError) {
    let faults = config.accumulationFaults(steps)
    if !faults.isEmpty { throw .invalidConfiguration(faults) }
  }

  /// Labels that the configuration asks for must be there.
  private func checkLabels(of examples: [EncodedExample]) throws(DistillationError) {
    guard !examples.isEmpty, examples.allSatisfy({ $0.target == .none }) else { return }
    let faults = self.config.labelFaults(hasLabels: false)
    if !faults.isEmpty { throw .invalidConfiguration(faults) }
  }
}
