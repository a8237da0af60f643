import TaskData
import Tasks
import Training

/// One of the tasks of a `MultiTaskDistiller`: a head on the shared encoder with its teacher, its settings and its data.
public struct DistillationTask {
  /// What logs and scores call it, such as `sst2`.
  public let name: String
  /// What is minimised on its batches: a `GeneralDistiller` with the task's own teacher and configuration, or a
  /// `SupervisedObjective` where there is no teacher.
  public let objective: any TrainingObjective
  /// What the student learns the task from.
  public let examples: [EncodedExample]
  /// How often the task is drawn relative to the others, beside its size; more than 0.
  public let samplingWeight: Double
  /// Scores the student on the task; nil never does.
  public let score: (() throws -> EvaluationResult)?
  /// Which of the scores counts in the average over tasks; nil takes the first.
  public let metric: String?

  /// A task; the objectives of all tasks must train parameters of different names on one encoder.
  public init(
    _ name: String, objective: any TrainingObjective, examples: [EncodedExample], samplingWeight: Double = 1,
    metric: String? = nil, score: (() throws -> EvaluationResult)? = nil
  ) {
    self.name = name
    self.objective = objective
    self.examples = examples
    self.samplingWeight = samplingWeight
    self.metric = metric
    self.score = score
  }
}
