public import Evaluation
import TaskData
public import Training

/// What a model answered to the rows of a task, and how good the answers are.
public struct TaskEvaluation: Sendable {
  /// Loss, metrics, number of rows and time.
  public let result: EvaluationResult
  /// The answers.
  public let predictions: TaskPredictions
  /// The task, whose files may have values of their own for its labels.
  let task: TaskDefinition
  /// Which row of its file each answered text is; empty for sentences and questions.
  let rowNumbers: [Int]

  /// Answers to some rows with their scores.
  package init(result: EvaluationResult, predictions: TaskPredictions, of data: EncodedTask) {
    self.result = result
    self.predictions = predictions
    task = data.task
    rowNumbers = data.rowNumbers
  }
}

/// A model's answers in the terms of the task, in the order of its rows.
public enum TaskPredictions: Sendable {
  /// One label a row, and the logits behind it in the order of the task's labels [labels].
  case labels([(label: String, logits: [Float])])
  /// One number a row.
  case values([Float])
  /// The labels that apply to each row, and the logits in the order of the task's labels [labels].
  case labelSets([(labels: [String], logits: [Float])])
  /// The words of each sentence with their true tags, where known, and the predicted ones.
  case tags([(words: [String], references: [String]?, predictions: [String])])
  /// The answer to each question by its id.
  case answers([(id: String, prediction: SpanPrediction)])
}
