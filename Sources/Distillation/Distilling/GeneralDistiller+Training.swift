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
    try check(examples)
    try checkAccumulation(config.gradientAccumulationSteps)
    let data = TrainingData(examples, config: config)
    keepOrder(of: data, examples)
    let loop = TrainingLoop(
      config: config, objective: self, data: data,
      evaluate: score
        ?? (validation.isEmpty
          ? nil : { try evaluateClassifier(self.student, validation, metrics: metrics).result }),
      checkpoints: checkpoints, observers: observers)
    return try loop.run(resumingFrom: point)
  }

  /// Has teachers whose answers are kept in memory answer in the batches of the first epoch.
  func keepOrder(of data: TrainingData, _ examples: [EncodedExample]) {
    let read = alignment?.examples.teacher ?? examples
    let order = AnswerOrder(batches: { data.batches(0) }, batch: { LabeledBatch(read, at: $0) })
    for teacher in frozenTeachers { teacher.order = order }
  }

  /// Labels that the configuration asks for and the teacher's answers must be those of the examples that come.
  func check(_ examples: [EncodedExample]) throws(DistillationError) {
    try checkLabels(of: examples)
    try checkAnswers(to: examples)
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
